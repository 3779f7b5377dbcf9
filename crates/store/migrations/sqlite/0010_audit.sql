-- The record of what happened. An entry has no number and no hash until it is put in order.
CREATE TABLE audit (
    id          BLOB NOT NULL PRIMARY KEY,
    at          INTEGER NOT NULL,
    identity_id BLOB,
    content     TEXT NOT NULL,
    number      INTEGER UNIQUE,
    hash        BLOB
);
CREATE INDEX audit_not_in_order ON audit (id) WHERE number IS NULL;
CREATE INDEX audit_by_identity ON audit (identity_id, number) WHERE identity_id IS NOT NULL;
INSERT INTO meta (name, value) VALUES ('audit_ends', zeroblob(80));
