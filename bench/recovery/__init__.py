"""How soon the analyzer works: after its start, with the states of many cards, and while its workers are restarted.

One broker, one topic of twelve partitions, and three looks at workers of the card stage:

1. *Start.* A worker starts on a topic that holds records, and has no states yet. From the start of its process until
   its first notification is read.
2. *Recovery.* It has judged all cards, was told to end, and a new one starts. From when it is given the partitions
   until it has all states (its log says so), and from the start of its process until its first notification.
3. *Rolling restart.* Two workers share the partitions while transactions come at a fixed rate. One after the other is
   told to end and replaced by a new one. A stall is the longest time, in a partition, from when a transaction was due
   to be written until its notification is read.

Cards are copies of some hundred cards of the producer's, so that the verdict on each is the scalar core's on its
original. At the end every notification is compared with it: none may be missing. A repeat is no matter.
"""
