package cardwatch.bench;

import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.Stores;

/** The analyzer of the benchmark on Kafka Streams. */
public final class StreamsMain {
  private static final Duration PATIENCE = Duration.ofSeconds(8);

  private StreamsMain() {}

  public static void main(String[] args) throws InterruptedException {
    Settings settings = Settings.own();
    // RocksDB and the compressors unpack their libraries there; with the state they go, however this ends.
    System.setProperty("java.io.tmpdir", settings.state());
    KafkaStreams streams = new KafkaStreams(topology(settings), properties(settings));
    Life life = new Life();
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING) {
            life.ready();
          }
        });
    streams.setUncaughtExceptionHandler(
        error -> {
          life.fail(error);
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.start();
    life.end(() -> streams.close(PATIENCE));
  }

  private static Topology topology(Settings settings) {
    return new Topology()
        .addSource("transactions", new ByteArrayDeserializer(), new ByteArrayDeserializer(), settings.transactions())
        .addProcessor("judge", () -> processor(settings), "transactions")
        .addStateStore(
            Stores.keyValueStoreBuilder(
                    Stores.persistentKeyValueStore(StreamsProcessor.STORE), Serdes.Bytes(), CardStateSerde.make())
                .withCachingEnabled(),
            "judge")
        .addSink(
            "notifications", settings.notifications(), new ByteArraySerializer(), new ByteArraySerializer(), "judge");
  }

  private static StreamsProcessor processor(Settings settings) {
    return new StreamsProcessor(
        settings.judge(),
        new TransactionReader(settings.transactionSchema()),
        new NotificationWriter(settings.notificationSchema(), "kafka-streams"));
  }

  /** What differs from the defaults of Kafka Streams. */
  private static Properties properties(Settings settings) {
    Properties properties = new Properties();
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, settings.bootstrapServers());
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, settings.group());
    properties.put(StreamsConfig.STATE_DIR_CONFIG, settings.state());
    properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, settings.threads());
    properties.put(
        StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        System.getenv().getOrDefault("BENCH_GUARANTEE", StreamsConfig.EXACTLY_ONCE_V2));
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, settings.commitMs());
    properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
    properties.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, StreamsMemory.class);
    properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 10_000);
    properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 4_000);
    properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 5);
    return properties;
  }
}
