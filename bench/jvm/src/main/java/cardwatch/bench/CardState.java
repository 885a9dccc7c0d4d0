package cardwatch.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** All that is remembered of one card: its counters, its habit, and its transactions of the longest window. */
final class CardState {
  static final long DAY_MS = 86_400_000;

  /** Offset of the last record that this state contains, in the card's partition. */
  long appliedOffset = -1;

  long judged;
  long flagged;
  long late;
  long duplicate;
  Habit habit = Habit.NONE;

  /** In event time; those of one time in order of arrival. */
  final List<Recent> recent;

  CardState() {
    this(0);
  }

  /** A state with room for so many recent transactions and one more. */
  CardState(int recents) {
    recent = new ArrayList<>(recents + 1);
  }

  /** Another state that says the same. */
  CardState copy() {
    CardState other = new CardState(recent.size());
    other.appliedOffset = appliedOffset;
    other.judged = judged;
    other.flagged = flagged;
    other.late = late;
    other.duplicate = duplicate;
    other.habit = habit;
    other.recent.addAll(recent);
    return other;
  }

  boolean contains(UUID id) {
    for (Recent one : recent) {
      if (one.id().equals(id)) {
        return true;
      }
    }
    return false;
  }

  long newestMs() {
    return recent.get(recent.size() - 1).eventTimeMs();
  }

  /** Whether a transaction of that time is older than what the card remembers all of. */
  boolean late(long eventTimeMs, long allowedLatenessMs, int maxRecent) {
    if (recent.isEmpty()) {
      return false;
    }
    boolean forgotten = recent.size() >= maxRecent && eventTimeMs <= recent.get(0).eventTimeMs();
    return forgotten || newestMs() - eventTimeMs > allowedLatenessMs;
  }

  /** How many of the recent transactions are not newer than that time. */
  int until(long eventTimeMs) {
    int at = recent.size();
    while (at > 0 && recent.get(at - 1).eventTimeMs() > eventTimeMs) {
      at--;
    }
    return at;
  }

  /** Takes a judged transaction to its place, and drops what no transaction still in time can look back to. */
  void add(Recent now, boolean approved, long allowedLatenessMs, int maxRecent) {
    recent.add(until(now.eventTimeMs()), now);
    int old = until(newestMs() - DAY_MS - allowedLatenessMs);
    recent.subList(0, Math.max(old, recent.size() - maxRecent)).clear();
    if (approved) {
      habit = habit.with(now.amountMinor());
    }
  }
}
