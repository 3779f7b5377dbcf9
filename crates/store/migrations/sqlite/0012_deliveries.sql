-- How far each sink has come in the record, and which node delivers to it until when.
CREATE TABLE sinks (
    name        TEXT PRIMARY KEY,
    number      INTEGER NOT NULL,
    taken_by    BLOB,
    taken_until INTEGER NOT NULL
);

-- Entries of the record on their way to sinks. What has no time was given up.
CREATE TABLE deliveries (
    sink     TEXT NOT NULL,
    number   INTEGER NOT NULL,
    subject  TEXT NOT NULL,
    since    INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at   INTEGER,
    problem  TEXT,
    PRIMARY KEY (sink, number)
);
CREATE INDEX deliveries_by_subject ON deliveries (sink, subject, number) WHERE due_at IS NOT NULL;
