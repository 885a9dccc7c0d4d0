package cardwatch.bench;

/** An amount whose logarithm lies many standard deviations above the card's mean. */
record AmountOutlier(double limitZ, int leastHistory, double leastSd, long leastAmountMinor, double[] scores)
    implements Rule {

  @Override
  public Finding check(Features seen, Transaction transaction) {
    Habit habit = seen.habit();
    if (habit.count() < leastHistory || transaction.amountMinor() <= leastAmountMinor) {
      return null;
    }
    double z = habit.z(transaction.amountMinor(), leastSd);
    if (z <= limitZ) {
      return null;
    }
    return new Finding(
        "amount_outlier",
        "an amount far above the card's own habit",
        z,
        limitZ,
        Rule.graded(z, limitZ, 2 * limitZ, scores),
        () ->
            Words.money(transaction.amountMinor(), transaction.currency())
                + (" is " + Words.rounded(z, 1) + " standard deviations above the usual ")
                + Words.money(Math.exp(habit.mean()) - 1, transaction.currency())
                + (" of " + habit.count() + " transactions, limit " + Words.plain(limitZ)));
  }
}
