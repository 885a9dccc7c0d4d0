-- All that the score has read. Facts are kept as they came; figures are computed from them.
CREATE TABLE happened (id TEXT PRIMARY KEY, event_ms INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE label (
    id TEXT NOT NULL, at_once INTEGER NOT NULL, -- at_once: from the oracle
    card TEXT NOT NULL, event_ms INTEGER NOT NULL, amount_minor INTEGER NOT NULL, approved INTEGER NOT NULL,
    scenario TEXT, release_ms INTEGER NOT NULL,
    PRIMARY KEY (at_once, id)
) WITHOUT ROWID;

CREATE TABLE alert (
    id TEXT NOT NULL, kind TEXT NOT NULL, rules TEXT NOT NULL, -- rules: a JSON array
    score REAL NOT NULL, card TEXT NOT NULL, event_ms INTEGER NOT NULL,
    PRIMARY KEY (id, kind, rules, score)
) WITHOUT ROWID;

-- The offset that comes next, and how many records before it could not be read.
CREATE TABLE position (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, unreadable INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

CREATE TABLE cluster (id TEXT NOT NULL);
