-- How often something was tried lately that has a limit, such as a password or a code. The key is a keyed hash.
CREATE TABLE counters (
    key        bytea PRIMARY KEY,
    count      bigint NOT NULL,
    at         bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX counters_by_end ON counters (expires_at);
