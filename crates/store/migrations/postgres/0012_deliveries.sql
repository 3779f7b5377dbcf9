-- How far each sink has come in the record, and which node delivers to it until when.
CREATE TABLE sinks (
    name        TEXT PRIMARY KEY,
    number      BIGINT NOT NULL,
    taken_by    uuid,
    taken_until BIGINT NOT NULL
);

-- Entries of the record on their way to sinks. What has no time was given up.
CREATE TABLE deliveries (
    sink     TEXT NOT NULL,
    number   BIGINT NOT NULL,
    subject  TEXT NOT NULL,
    since    BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at   BIGINT,
    problem  TEXT,
    PRIMARY KEY (sink, number)
);
CREATE INDEX deliveries_by_subject ON deliveries (sink, subject, number) WHERE due_at IS NOT NULL;
