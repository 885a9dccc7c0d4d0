package cardwatch.streams;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.Stores;
import org.slf4j.LoggerFactory;

/** The analyzer of the benchmark on Kafka Streams: says {@code ready} once it runs, and ends on SIGTERM. */
public final class Main {
  private static final Duration PATIENCE = Duration.ofSeconds(8);
  private static final int FAILURE = 1;
  private static final int USAGE = 2;

  private Main() {}

  public static void main(String[] args) throws InterruptedException {
    Settings settings;
    try {
      settings = Settings.read(System.getenv());
    } catch (Settings.Problem problem) {
      System.err.println("error: " + problem.getMessage());
      System.exit(USAGE);
      return;
    }
    // RocksDB and the compressors unpack their libraries there; with the state they go, however this ends.
    System.setProperty("java.io.tmpdir", settings.streams().getProperty(StreamsConfig.STATE_DIR_CONFIG));
    run(new KafkaStreams(topology(settings), settings.streams()));
  }

  static Topology topology(Settings settings) {
    return new Topology()
        .addSource("transactions", new ByteArrayDeserializer(), new ByteArrayDeserializer(), settings.transactions())
        .addProcessor("judge", () -> processor(settings), "transactions")
        .addStateStore(
            Stores.keyValueStoreBuilder(
                    Stores.persistentKeyValueStore(CardProcessor.STORE), Serdes.Bytes(), CardStateSerde.make())
                .withCachingEnabled(),
            "judge")
        .addSink(
            "notifications", settings.notifications(), new ByteArraySerializer(), new ByteArraySerializer(), "judge");
  }

  private static CardProcessor processor(Settings settings) {
    return new CardProcessor(
        settings.judge(),
        new TransactionReader(settings.transactionSchema()),
        new NotificationWriter(settings.notificationSchema()));
  }

  private static void run(KafkaStreams streams) throws InterruptedException {
    CountDownLatch ended = new CountDownLatch(1);
    AtomicBoolean failed = new AtomicBoolean();
    AtomicBoolean told = new AtomicBoolean();
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING && !told.getAndSet(true)) {
            System.out.println("ready");
          }
        });
    streams.setUncaughtExceptionHandler(
        error -> {
          LoggerFactory.getLogger(Main.class).error("it can't go on", error);
          failed.set(true);
          ended.countDown();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    Thread main = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  ended.countDown();
                  try {
                    main.join(); // The machine ends with the code of `halt`, not of the signal.
                  } catch (InterruptedException error) {
                    main.interrupt();
                  }
                }));
    streams.start();
    ended.await();
    boolean closed = streams.close(PATIENCE);
    System.out.flush();
    Runtime.getRuntime().halt(closed && !failed.get() ? 0 : FAILURE);
  }
}
