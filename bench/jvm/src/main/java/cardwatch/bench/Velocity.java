package cardwatch.bench;

/** More purchases of one card than a person makes; fewer are enough when they are above its habit. */
record Velocity(
    int limit10Minutes,
    int limitHour,
    int limitHourAboveHabit,
    double aboveHabitZ,
    int leastHistory,
    double leastSd,
    double[] scores,
    double[] scoresAboveHabit)
    implements Rule {

  @Override
  public Finding check(Features seen, Transaction transaction) {
    if (seen.hour().count() <= Math.min(limit10Minutes, Math.min(limitHour, limitHourAboveHabit))) {
      return null;
    }
    Finding found = stronger(null, finding(seen.tenMinutes(), limit10Minutes, scores, ""));
    found = stronger(found, finding(seen.hour(), limitHour, scores, ""));
    return stronger(found, aboveHabit(seen));
  }

  private static Finding stronger(Finding known, Finding other) {
    return known == null || other != null && other.score() > known.score() ? other : known;
  }

  private Finding aboveHabit(Features seen) {
    if (seen.habit().count() < leastHistory || seen.hour().count() <= limitHourAboveHabit) {
      return null;
    }
    double sum = 0;
    for (Recent one : seen.hour().transactions()) {
      sum += seen.habit().z(one.amountMinor(), leastSd);
    }
    double z = sum / seen.hour().count();
    if (z <= aboveHabitZ) {
      return null;
    }
    String words = ", in the mean " + Words.rounded(z, 1) + " standard deviations above habit";
    return finding(seen.hour(), limitHourAboveHabit, scoresAboveHabit, words);
  }

  private static Finding finding(Span span, int limit, double[] scores, String words) {
    int purchases = span.purchases();
    if (purchases <= limit) {
      return null;
    }
    return new Finding(
        "velocity",
        "more purchases in a short time than a person makes",
        purchases,
        limit,
        Rule.graded(purchases, limit + 1, 2 * limit, scores),
        () -> purchases + " purchases in " + Words.rounded(span.seconds(), 0) + " s" + words + ", limit " + limit);
  }
}
