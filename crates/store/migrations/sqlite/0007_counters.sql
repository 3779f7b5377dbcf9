-- How often something was tried lately that has a limit, such as a password or a code. The key is a keyed hash.
CREATE TABLE counters (
    key        BLOB PRIMARY KEY,
    count      INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX counters_by_end ON counters (expires_at);
