package cardwatch.bench;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Judges records one by one, exactly as analyzer/core/detect.py.
 *
 * @param alertThreshold score from which a verdict is flagged
 * @param allowedLatenessMs how much older than its card's newest a transaction may be, in event time
 * @param maxRecent transactions that a card remembers at most
 */
record Judge(List<Rule> rules, double alertThreshold, long allowedLatenessMs, int maxRecent)
    implements Serializable {
  private static final Comparator<Finding> STRONGEST_FIRST =
      Comparator.comparingDouble((Finding one) -> -one.score()).thenComparing(Finding::rule);

  /** Judges a transaction and takes it into its card's state; nothing is found in one that is late or a duplicate. */
  Verdict judge(CardState state, Transaction transaction, long offset) {
    Recent now = Recent.of(transaction);
    state.appliedOffset = offset;
    if (state.contains(now.id())) {
      state.duplicate++;
      return Verdict.NOTHING_FOUND;
    }
    if (state.late(now.eventTimeMs(), allowedLatenessMs, maxRecent)) {
      state.late++;
      return Verdict.NOTHING_FOUND;
    }
    Verdict verdict = verdict(Features.of(state, now), transaction);
    state.judged++;
    state.flagged += verdict.flagged() ? 1 : 0;
    state.add(now, transaction.approved(), allowedLatenessMs, maxRecent);
    return verdict;
  }

  private Verdict verdict(Features seen, Transaction transaction) {
    List<Finding> findings = null;
    for (Rule rule : rules) {
      Finding finding = rule.check(seen, transaction);
      if (finding != null) {
        findings = findings == null ? new ArrayList<>() : findings;
        findings.add(finding);
      }
    }
    return findings == null ? Verdict.NOTHING_FOUND : weighed(findings);
  }

  /** 1 - (1 - s1)(1 - s2)...: each finding alone may be enough, and each more makes it surer. */
  private Verdict weighed(List<Finding> findings) {
    findings.sort(STRONGEST_FIRST);
    double innocent = 1.0;
    for (Finding one : findings) {
      innocent *= 1.0 - one.score();
    }
    double score = 1.0 - innocent;
    return new Verdict(score, score >= alertThreshold, findings);
  }
}
