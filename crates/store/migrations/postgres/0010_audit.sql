-- The record of what happened. An entry has no number and no hash until it is put in order.
CREATE TABLE audit (
    id          uuid PRIMARY KEY,
    at          BIGINT NOT NULL,
    identity_id uuid,
    content     TEXT NOT NULL,
    number      BIGINT UNIQUE,
    hash        BYTEA
);
CREATE INDEX audit_not_in_order ON audit (id) WHERE number IS NULL;
CREATE INDEX audit_by_identity ON audit (identity_id, number) WHERE identity_id IS NOT NULL;
INSERT INTO meta (name, value) VALUES ('audit_ends', decode(repeat('00', 80), 'hex'));
