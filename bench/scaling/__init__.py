"""What the analyzer costs as cards and workers become more: the measured points of docs/scaling.md.

1. *Workers*: one to four share twelve partitions on this machine, each number of them on a broker of its own. The topic
   is filled first, then all are started at once; the clock runs from when all are ready and each has partitions, over
   what is left then.
2. *Checkpoints*: 10,000 cards with states written every 0.5, 1 and 4 s, at 5,000 records a second: how many bytes a
   record.
3. *Cards*: one worker gets to know 10,000, 100,000, 1,000,000 cards that each use their card 2.5 times in 25 hours,
   which is what a card remembers; then it is started again and reads their states from the changelog, and judges some
   more, many of them the first of their card since.

Every record must be judged, or counted as late or a duplicate, exactly once, and every card's state must be there
after the restart. Times are only reported.
"""
