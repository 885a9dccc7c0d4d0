package cardwatch.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * A transaction against what its card did before: a window of span s for one at t holds what happened in (t - s, t].
 *
 * @param habit the card's amounts before this transaction
 * @param previousPresent the last one before it with the card at a terminal of known place, within a day; or null
 */
record Features(Habit habit, Span day, Span hour, Span tenMinutes, Recent previousPresent) {
  private static final long HOUR_MS = 3_600_000;
  private static final long TEN_MINUTES_MS = 600_000;

  static Features of(CardState before, Recent now) {
    long atMs = now.eventTimeMs();
    List<Recent> known = before.recent.subList(before.until(atMs - CardState.DAY_MS), before.until(atMs));
    List<Recent> day = new ArrayList<>(known.size() + 1);
    day.addAll(known);
    day.add(now);
    return new Features(
        before.habit, Span.of(day), span(day, atMs - HOUR_MS), span(day, atMs - TEN_MINUTES_MS), present(known));
  }

  private static Span span(List<Recent> day, long afterMs) {
    int first = day.size() - 1;
    while (first > 0 && day.get(first - 1).eventTimeMs() > afterMs) {
      first--;
    }
    return Span.of(day.subList(first, day.size()));
  }

  private static Recent present(List<Recent> known) {
    for (int at = known.size() - 1; at >= 0; at--) {
      if (known.get(at).cardPresent() && known.get(at).place() != null) {
        return known.get(at);
      }
    }
    return null;
  }
}
