-- Every session has a place in the status lists, which no other session ever has: the counter only grows.

CREATE TABLE status_counter (
    next INTEGER NOT NULL
);

ALTER TABLE sessions ADD COLUMN status_index INTEGER NOT NULL DEFAULT -1;
UPDATE sessions SET status_index = numbered.number
    FROM (SELECT id, row_number() OVER (ORDER BY issued_at, id) - 1 AS number FROM sessions) AS numbered
    WHERE numbered.id = sessions.id;
CREATE UNIQUE INDEX sessions_by_status ON sessions (status_index);
INSERT INTO status_counter (next) SELECT count(*) FROM sessions;

-- What the lists have to know of sessions that were deleted before they ended.
CREATE TABLE deleted_sessions (
    status_index INTEGER PRIMARY KEY,
    expires_at   INTEGER NOT NULL
);
CREATE INDEX deleted_sessions_by_end ON deleted_sessions (expires_at);
