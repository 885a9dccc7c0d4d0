package cardwatch.bench;

import java.util.function.Supplier;

/**
 * What one detection rule found in one transaction.
 *
 * @param evidence what it saw and the limit that was broken; put in words only for what is told
 */
record Finding(
    String rule, String reason, double observed, double threshold, double score, Supplier<String> evidence) {}
