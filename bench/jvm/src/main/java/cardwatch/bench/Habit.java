package cardwatch.bench;

/**
 * Running mean and variance of ln(amount + 1) over a card's approved transactions (Welford's algorithm).
 *
 * @param m2 sum of squared deviations from the mean
 */
record Habit(long count, double mean, double m2) {
  static final Habit NONE = new Habit(0, 0.0, 0.0);

  Habit with(long amountMinor) {
    double value = lnAmount(amountMinor);
    double delta = value - mean;
    double newMean = mean + delta / (count + 1);
    return new Habit(count + 1, newMean, m2 + delta * (value - newMean));
  }

  /** How many standard deviations ln(amount + 1) lies above the mean. */
  double z(long amountMinor, double leastSd) {
    return (lnAmount(amountMinor) - mean) / Math.max(sd(), leastSd);
  }

  private double sd() {
    return count > 1 ? Math.sqrt(m2 / (count - 1)) : 0.0;
  }

  private static double lnAmount(long amountMinor) {
    return Math.log(amountMinor + 1);
  }
}
