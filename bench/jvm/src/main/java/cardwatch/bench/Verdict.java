package cardwatch.bench;

import java.util.List;

/**
 * What all findings together say of one transaction.
 *
 * @param score 0 to 1
 * @param flagged whether the score reaches the alert threshold
 * @param findings strongest first
 */
record Verdict(double score, boolean flagged, List<Finding> findings) {
  static final Verdict NOTHING_FOUND = new Verdict(0.0, false, List.of());
}
