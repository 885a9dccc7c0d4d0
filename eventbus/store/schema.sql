-- What the bus must not forget. Times are milliseconds since 1970, UTC.

CREATE TABLE resource (      -- buses, rules with their targets, connections, ... as JSON
    kind TEXT NOT NULL,      -- name of the class in model.py
    arn  TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, arn)
) WITHOUT ROWID;

CREATE TABLE tag (
    arn   TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) WITHOUT ROWID;

CREATE TABLE lane (          -- the way to one target of one rule
    id        INTEGER PRIMARY KEY,
    rule_arn  TEXT NOT NULL,
    target_id TEXT NOT NULL,
    delivered     INTEGER NOT NULL DEFAULT 0,  -- how many of its deliveries ended so; kept when these are pruned
    dead_lettered INTEGER NOT NULL DEFAULT 0,
    given_up      INTEGER NOT NULL DEFAULT 0,
    removed       INTEGER NOT NULL DEFAULT 0,
    retried       INTEGER NOT NULL DEFAULT 0,  -- attempts after the first ones
    error_ms      INTEGER,                     -- of the last attempt that failed
    error_code    TEXT,
    error_message TEXT,
    UNIQUE (rule_arn, target_id)
);

CREATE TABLE event (         -- accepted; kept for a while after its delivery, so that one can ask why
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL,  -- the same event may stand on two buses, or come again in a replay. It has no
                                -- index: random keys would be a third of the cost of an event
    bus_arn     TEXT NOT NULL,
    accepted_ms INTEGER NOT NULL,
    hops        INTEGER NOT NULL,
    deliveries  INTEGER NOT NULL,  -- how many rows of delivery it was given
    body        TEXT NOT NULL
);

CREATE TABLE delivery (      -- one event for one target
    event_seq  INTEGER NOT NULL,
    lane       INTEGER NOT NULL,
    state      INTEGER NOT NULL DEFAULT 0,  -- 0 to the target, 1 to its dead-letter queue, 2 delivered,
                                            -- 3 dead-lettered, 4 given up, 5 rule or target removed
    attempts   INTEGER NOT NULL DEFAULT 0,
    due_ms     INTEGER NOT NULL,
    settled_ms INTEGER,
    error_code TEXT,         -- of its last failed attempt
    error_message TEXT,
    exhausted  TEXT,         -- MaximumRetryAttempts or MaximumEventAgeInSeconds, once one of them is reached
    PRIMARY KEY (event_seq, lane)
) WITHOUT ROWID;
CREATE INDEX delivery_open ON delivery (lane, due_ms) WHERE state < 2;

CREATE TABLE archived (      -- events that an archive keeps
    seq         INTEGER PRIMARY KEY,
    archive_arn TEXT NOT NULL,
    time_ms     INTEGER NOT NULL,  -- the event's own time
    kept_ms     INTEGER NOT NULL,  -- when it was archived
    body        TEXT NOT NULL
);
CREATE INDEX archived_by_time ON archived (archive_arn, time_ms, seq, kept_ms);
