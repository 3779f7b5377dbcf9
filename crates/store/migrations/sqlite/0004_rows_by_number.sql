-- Tables with long rows are kept by row number. Kept by their key, whole rows would stand in the inner pages of
-- the tree as well, which makes it deep: nine pages instead of four to a row among ten million.
-- Foreign keys are not looked at while migrations run, so dropping a table takes nothing along.

CREATE TABLE identities_by_number (
    id                   BLOB NOT NULL PRIMARY KEY,
    external_id          TEXT UNIQUE,
    schema_id            TEXT NOT NULL,
    state                TEXT NOT NULL,
    state_changed_at     INTEGER NOT NULL,
    traits               TEXT NOT NULL,
    verifiable_addresses TEXT NOT NULL,
    recovery_addresses   TEXT NOT NULL,
    metadata_public      TEXT,
    metadata_admin       TEXT,
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL,
    version              INTEGER NOT NULL
);
INSERT INTO identities_by_number (id, external_id, schema_id, state, state_changed_at, traits, verifiable_addresses,
    recovery_addresses, metadata_public, metadata_admin, created_at, updated_at, version)
SELECT id, external_id, schema_id, state, state_changed_at, traits, verifiable_addresses,
    recovery_addresses, metadata_public, metadata_admin, created_at, updated_at, version
FROM identities;
DROP TABLE identities;
ALTER TABLE identities_by_number RENAME TO identities;

CREATE TABLE credentials_by_number (
    identity_id   BLOB NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    kind          TEXT NOT NULL,
    sealed_config BLOB NOT NULL,
    identifiers   TEXT NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (identity_id, kind)
);
INSERT INTO credentials_by_number (identity_id, kind, sealed_config, identifiers, version, created_at, updated_at)
SELECT identity_id, kind, sealed_config, identifiers, version, created_at, updated_at
FROM credentials;
DROP TABLE credentials;
ALTER TABLE credentials_by_number RENAME TO credentials;

CREATE TABLE sessions_by_number (
    id               BLOB NOT NULL PRIMARY KEY,
    identity_id      BLOB NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    token_hash       BLOB NOT NULL UNIQUE,
    kind             TEXT NOT NULL,
    active           INTEGER NOT NULL,
    issued_at        INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    assurance_level  TEXT NOT NULL,
    methods          TEXT NOT NULL,
    devices          TEXT NOT NULL,
    last_used_at     INTEGER,
    status_index     INTEGER NOT NULL
);
INSERT INTO sessions_by_number (id, identity_id, token_hash, kind, active, issued_at, expires_at, authenticated_at,
    assurance_level, methods, devices, last_used_at, status_index)
SELECT id, identity_id, token_hash, kind, active, issued_at, expires_at, authenticated_at,
    assurance_level, methods, devices, last_used_at, status_index
FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_by_number RENAME TO sessions;
CREATE INDEX sessions_by_identity ON sessions (identity_id, issued_at DESC, id);
CREATE INDEX sessions_by_issue ON sessions (issued_at DESC, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE UNIQUE INDEX sessions_by_status ON sessions (status_index);

CREATE TABLE flows_by_number (
    id          BLOB NOT NULL PRIMARY KEY,
    kind        TEXT NOT NULL,
    sealed_body BLOB NOT NULL,
    expires_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL
);
INSERT INTO flows_by_number (id, kind, sealed_body, expires_at, version)
SELECT id, kind, sealed_body, expires_at, version
FROM flows;
DROP TABLE flows;
ALTER TABLE flows_by_number RENAME TO flows;
CREATE INDEX flows_by_end ON flows (expires_at);
