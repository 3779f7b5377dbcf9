-- Sessions that are kept elsewhere, as far as a token of theirs names their place in the status lists. Places come
-- from the sequence that all sessions share. When their keeper was last asked about one is 0 where it has to be asked
-- at once.
CREATE TABLE sessions_elsewhere (
    id           uuid PRIMARY KEY,
    identity_id  uuid NOT NULL,
    status_index BIGINT NOT NULL UNIQUE,
    asked_at     BIGINT NOT NULL,
    taken_until  BIGINT NOT NULL,
    ended_at     BIGINT
);
CREATE INDEX sessions_elsewhere_by_identity ON sessions_elsewhere (identity_id);
CREATE INDEX sessions_elsewhere_by_question ON sessions_elsewhere (asked_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_elsewhere_by_end ON sessions_elsewhere (ended_at) WHERE ended_at IS NOT NULL;
