package cardwatch.streams;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.StreamsConfig;

/**
 * What the engine is told: by the environment, and by the rules file, JSON.
 *
 * @param transactions topic that is read
 * @param notifications topic that is written
 */
record Settings(
    String transactions,
    String notifications,
    UUID transactionSchema,
    UUID notificationSchema,
    Judge judge,
    Properties streams) {

  /** A setting is missing or wrong; the message says which. */
  static final class Problem extends Exception {
    private static final long serialVersionUID = 1L;

    Problem(String message) {
      super(message);
    }
  }

  static Settings read(Map<String, String> env) throws Problem {
    JsonNode rules = json(required(env, "BENCH_RULES"));
    return new Settings(
        required(env, "BENCH_TOPIC"),
        required(env, "BENCH_OUT"),
        schema(rules, "transactions"),
        schema(rules, "notifications"),
        judge(rules),
        streams(env));
  }

  private static JsonNode json(String file) throws Problem {
    try {
      return new ObjectMapper().readTree(new File(file));
    } catch (IOException error) {
      throw new Problem("BENCH_RULES: " + file + " can't be read: " + error.getMessage());
    }
  }

  private static String required(Map<String, String> env, String name) throws Problem {
    String value = env.getOrDefault(name, "");
    if (value.isEmpty()) {
      throw new Problem(name + " is not set");
    }
    return value;
  }

  private static Judge judge(JsonNode rules) throws Problem {
    return new Judge(
        List.of(
            velocity(rules.path("velocity")),
            amountOutlier(rules.path("amount_outlier")),
            impossibleTravel(rules.path("impossible_travel"))),
        number(rules, "alert_threshold"),
        (long) number(rules, "allowed_lateness_ms"),
        (int) number(rules, "max_recent"));
  }

  private static UUID schema(JsonNode rules, String topic) throws Problem {
    try {
      return UUID.fromString(rules.path("schemas").path(topic).path("id").asText());
    } catch (IllegalArgumentException error) {
      throw new Problem("BENCH_RULES has no UUID of the schema of " + topic);
    }
  }

  private static Rule velocity(JsonNode table) throws Problem {
    return new Velocity(
        (int) number(table, "limit_10_minutes"),
        (int) number(table, "limit_hour"),
        (int) number(table, "limit_hour_above_habit"),
        number(table, "above_habit_z"),
        (int) number(table, "least_history"),
        number(table, "least_sd"),
        scores(table, "scores"),
        scores(table, "scores_above_habit"));
  }

  private static Rule amountOutlier(JsonNode table) throws Problem {
    return new AmountOutlier(
        number(table, "limit_z"),
        (int) number(table, "least_history"),
        number(table, "least_sd"),
        (long) number(table, "least_amount_minor"),
        scores(table, "scores"));
  }

  private static Rule impossibleTravel(JsonNode table) throws Problem {
    return new ImpossibleTravel(
        number(table, "limit_km_h"), number(table, "least_km"), number(table, "least_seconds"), scores(table, "scores"));
  }

  private static double number(JsonNode table, String key) throws Problem {
    if (!table.path(key).isNumber()) {
      throw new Problem("BENCH_RULES has no number " + key + " where it should");
    }
    return table.path(key).asDouble();
  }

  private static double[] scores(JsonNode table, String key) throws Problem {
    JsonNode pair = table.path(key);
    if (pair.size() != 2 || !pair.path(0).isNumber() || !pair.path(1).isNumber()) {
      throw new Problem("BENCH_RULES has no two numbers " + key + " where it should");
    }
    return new double[] {pair.path(0).asDouble(), pair.path(1).asDouble()};
  }

  /** What differs from the defaults of Kafka Streams. */
  private static Properties streams(Map<String, String> env) throws Problem {
    Properties properties = new Properties();
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, required(env, "KAFKA_BOOTSTRAP_SERVERS"));
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, required(env, "BENCH_GROUP"));
    properties.put(StreamsConfig.STATE_DIR_CONFIG, required(env, "BENCH_STATE"));
    properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, env.getOrDefault("BENCH_THREADS", "1"));
    properties.put(
        StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        env.getOrDefault("BENCH_GUARANTEE", StreamsConfig.EXACTLY_ONCE_V2));
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, env.getOrDefault("BENCH_COMMIT_MS", "1000"));
    properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
    properties.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, BoundedMemory.class);
    properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 10_000);
    properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 4_000);
    properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 5);
    return properties;
  }
}
