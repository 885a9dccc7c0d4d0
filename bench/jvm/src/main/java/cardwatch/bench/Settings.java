package cardwatch.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * What an engine is told: by the environment, and by the rules file, JSON.
 *
 * @param transactions topic that is read
 * @param notifications topic that is written
 * @param group whose offsets are committed
 * @param state folder for it
 * @param commitMs how often state is made durable and offsets are committed
 */
record Settings(
    String bootstrapServers,
    String transactions,
    String notifications,
    UUID transactionSchema,
    UUID notificationSchema,
    Judge judge,
    String group,
    String state,
    int threads,
    long commitMs)
    implements Serializable {
  private static final int USAGE = 2;

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
        required(env, "KAFKA_BOOTSTRAP_SERVERS"),
        required(env, "BENCH_TOPIC"),
        required(env, "BENCH_OUT"),
        schema(rules, "transactions"),
        schema(rules, "notifications"),
        judge(rules),
        required(env, "BENCH_GROUP"),
        required(env, "BENCH_STATE"),
        (int) whole(env, "BENCH_THREADS", 1),
        whole(env, "BENCH_COMMIT_MS", 1_000));
  }

  /** The settings of this process; without them it ends. */
  static Settings own() {
    try {
      return read(System.getenv());
    } catch (Problem problem) {
      System.err.println("error: " + problem.getMessage());
      System.exit(USAGE);
      throw new AssertionError("unreachable", problem);
    }
  }

  private static long whole(Map<String, String> env, String name, long otherwise) throws Problem {
    String value = env.getOrDefault(name, Long.toString(otherwise));
    if (!value.matches("[1-9][0-9]{0,8}")) {
      throw new Problem(name + " is no whole number from 1 on: " + value);
    }
    return Long.parseLong(value);
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
}
