package cardwatch.bench;

/** The card itself in two places too far apart for the time between. */
record ImpossibleTravel(double limitKmH, double leastKm, double leastSeconds, double[] scores) implements Rule {
  private static final double SECONDS_PER_HOUR = 3_600.0;

  @Override
  public Finding check(Features seen, Transaction transaction) {
    Recent before = seen.previousPresent();
    Place here = transaction.place();
    if (!transaction.cardPresent() || here == null || before == null) {
      return null;
    }
    if (!before.place().mayBeBeyond(leastKm, here)) {
      return null;
    }
    double km = before.place().kmTo(here);
    double seconds = (transaction.eventTimeMs() - before.eventTimeMs()) / 1_000.0;
    double kmH = km / Math.max(seconds, leastSeconds) * SECONDS_PER_HOUR;
    if (km <= leastKm || kmH <= limitKmH) {
      return null;
    }
    return new Finding(
        "impossible_travel",
        "the card was at two terminals too far apart for the time between",
        kmH,
        limitKmH,
        Rule.graded(kmH, limitKmH, 2 * limitKmH, scores),
        () ->
            (Words.rounded(km, 0) + " km from " + before.country() + " to " + transaction.country())
                + (" in " + Words.rounded(seconds / 60, 0) + " min is " + Words.rounded(kmH, 0) + " km/h")
                + (", limit " + Words.plain(limitKmH)));
  }
}
