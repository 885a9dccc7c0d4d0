package cardwatch.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;

/** The analyzer of the benchmark on Flink: a whole cluster in this process. */
public final class FlinkMain {
  private static final long PATIENCE_S = 8;
  private static final Duration LINGER = Duration.ofMillis(5);

  private FlinkMain() {}

  public static void main(String[] args) throws Exception {
    Settings settings = Settings.own();
    System.setProperty("java.io.tmpdir", settings.state());
    JobClient job = start(settings);
    Life life = new Life();
    job.getJobExecutionResult()
        .whenComplete((result, error) -> life.fail(error == null ? new IllegalStateException("it has ended") : error));
    life.ready();
    life.end(() -> cancelled(job));
  }

  private static JobClient start(Settings settings) throws Exception {
    StreamExecutionEnvironment flink = StreamExecutionEnvironment.createLocalEnvironment(configuration(settings));
    flink
        .fromSource(source(settings), WatermarkStrategy.noWatermarks(), "transactions")
        .keyBy(FlinkJudge::card)
        .process(new FlinkJudge(settings))
        .returns(FlinkJudge.NOTIFICATION)
        .uid("judge")
        .sinkTo(sink(settings));
    return flink.executeAsync("analyzer");
  }

  private static KafkaSource<Tuple3<byte[], byte[], Long>> source(Settings settings) {
    return KafkaSource.<Tuple3<byte[], byte[], Long>>builder()
        .setBootstrapServers(settings.bootstrapServers())
        .setGroupId(settings.group())
        .setTopics(settings.transactions())
        .setStartingOffsets(OffsetsInitializer.earliest())
        .setDeserializer(new FlinkRecords())
        .setProperty(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "4000")
        .build();
  }

  private static KafkaSink<Tuple2<byte[], byte[]>> sink(Settings settings) {
    String topic = settings.notifications();
    return KafkaSink.<Tuple2<byte[], byte[]>>builder()
        .setBootstrapServers(settings.bootstrapServers())
        .setRecordSerializer((told, context, timestamp) -> new ProducerRecord<>(topic, told.f0, told.f1))
        .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
        .setProperty(ProducerConfig.LINGER_MS_CONFIG, Long.toString(LINGER.toMillis()))
        .build();
  }

  /** What differs from Flink's defaults. */
  private static Configuration configuration(Settings settings) throws IOException {
    Path checkpoints = Path.of(settings.state(), "checkpoints");
    Configuration told = new Configuration();
    told.set(CoreOptions.DEFAULT_PARALLELISM, settings.threads());
    told.set(CoreOptions.TMP_DIRS, settings.state());
    told.set(PipelineOptions.OBJECT_REUSE, true);
    told.set(PipelineOptions.GENERIC_TYPES, false);
    told.set(ExecutionOptions.BUFFER_TIMEOUT, LINGER);
    told.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    told.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(settings.commitMs()));
    told.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
    told.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
    told.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION, ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    told.set(RestartStrategyOptions.RESTART_STRATEGY, "disable");
    newest(checkpoints).ifPresent(found -> told.set(StateRecoveryOptions.SAVEPOINT_PATH, found.toUri().toString()));
    return told;
  }

  /** The newest whole checkpoint of an earlier process: its metadata come last. */
  private static Optional<Path> newest(Path checkpoints) throws IOException {
    if (!Files.exists(checkpoints)) {
      return Optional.empty();
    }
    try (Stream<Path> found = Files.find(checkpoints, 3, (path, is) -> path.endsWith("_metadata"))) {
      return found
          .max(Comparator.comparingLong((Path metadata) -> metadata.toFile().lastModified()))
          .map(Path::getParent);
    }
  }

  private static boolean cancelled(JobClient job) {
    try {
      job.cancel().get(PATIENCE_S, TimeUnit.SECONDS);
      return true;
    } catch (InterruptedException | ExecutionException | TimeoutException error) {
      return false;
    }
  }
}
