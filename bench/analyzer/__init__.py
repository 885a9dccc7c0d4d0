"""The analyzer beside what people would write instead: one topic, one set of records, one definition of the work.

**Records.** Transactions (Avro, `schemas/transaction.avsc`, Glue framing) of the producer's cardholders and fraudsters,
in order of event time, but for one in a hundred, which comes after the next one of its card, and one in five hundred,
which comes twice. Twelve partitions, key = card id.

**The work**, for each record, in the order of its partition:

1. Decode it.
2. Look at its card's window. If the window holds its transaction id already, skip it. If its event time lies more than
   `allowed_lateness_ms` behind the newest of the window, skip it. A card remembers its transactions back to 24 hours
   and the lateness before its newest, and at most `max_recent`. What is not newer than the oldest of a full window is
   late too: whether it was there can't be told.
3. In event time, sliding, with the transaction itself: the 10 minutes, the hour and the 24 hours (t - span, t] that end
   with it, of which count, sum, mean, standard deviation and distinct merchants are to be had, and the way and speed
   from the last use at a terminal of known place. What no rule reads of these, no engine computes: ours doesn't either.
   Mean and standard deviation of ln(amount + 1) over all approved transactions before it (Welford), which never expire.
4. The rules, with their thresholds from the rules file: `velocity`, `amount_outlier` and `impossible_travel` as
   `analyzer/core/rules/` defines them. Score of the verdict = 1 - Π(1 - score of each finding); flagged from
   `alert_threshold` on.
5. If flagged: a notification (Avro, `schemas/notification.avsc`, Glue framing, key = card id) with findings, strongest
   first (then by rule), and notification id uuid5(namespace, transaction id), acknowledged before the record's offset
   is committed.
6. The transaction takes its place in the window, which is kept durably where the engine has a way to; the offset is
   committed.

**What counts.** Verdicts are compared with the scalar core (`analyzer.core`), transaction by transaction: which are
flagged, score, and rule, observed figure, threshold and score of each finding (1e-9 relative, as logarithms and sines
differ in the last bit from one library to another). A time of an engine that disagrees is not shown.

**Time and CPU** are those of records, not of start-up: each run of an engine has a first part, on a topic with few
records, and a second one on a new broker with all of them. What the second takes more than the first does in the median
of all runs, divided by the records that it has more, is what a record costs. CPU seconds are those of the engine's
processes; a broker's are nobody's.
"""
