-- Every session has a place in the status lists, which no other session ever has: a sequence never gives a
-- number twice, and nobody waits for it.

CREATE SEQUENCE session_status_index MINVALUE 0 START 0;
ALTER TABLE sessions ADD COLUMN status_index BIGINT NOT NULL DEFAULT nextval('session_status_index');
CREATE UNIQUE INDEX sessions_by_status ON sessions (status_index);

-- What the lists have to know of sessions that were deleted before they ended.
CREATE TABLE deleted_sessions (
    status_index BIGINT PRIMARY KEY,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX deleted_sessions_by_end ON deleted_sessions (expires_at);
