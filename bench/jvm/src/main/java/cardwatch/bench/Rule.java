package cardwatch.bench;

import java.io.Serializable;

/** A detection rule; its fields are its thresholds, as in analyzer/rules.toml. */
interface Rule extends Serializable {
  /** What it finds in a transaction, or null. */
  Finding check(Features seen, Transaction transaction);

  /** A score that grows linearly from the first of {@code scores} at {@code low} to the second at {@code high}. */
  static double graded(double observed, double low, double high, double[] scores) {
    double share = high > low ? Math.min(1.0, Math.max(0.0, (observed - low) / (high - low))) : 1.0;
    return scores[0] + share * (scores[1] - scores[0]);
  }
}
