-- Times are microseconds since 1970-01-01T00:00:00Z, ids are the 16 bytes of a UUID, columns named
-- sealed_* are encrypted under secrets.cipher.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE identities (
    id                   BLOB PRIMARY KEY,
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
) WITHOUT ROWID;

CREATE TABLE addresses (
    purpose     TEXT NOT NULL,
    via         TEXT NOT NULL,
    value       TEXT NOT NULL,
    identity_id BLOB NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    PRIMARY KEY (purpose, via, value)
) WITHOUT ROWID;
CREATE INDEX addresses_by_identity ON addresses (identity_id);

CREATE TABLE credentials (
    identity_id   BLOB NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    kind          TEXT NOT NULL,
    sealed_config BLOB NOT NULL,
    identifiers   TEXT NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (identity_id, kind)
) WITHOUT ROWID;

CREATE TABLE identifiers (
    kind        TEXT NOT NULL,
    identifier  TEXT NOT NULL,
    identity_id BLOB NOT NULL,
    PRIMARY KEY (kind, identifier),
    FOREIGN KEY (identity_id, kind) REFERENCES credentials (identity_id, kind) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX identifiers_by_identity ON identifiers (identity_id, kind);
CREATE INDEX identifiers_by_identifier ON identifiers (identifier);

CREATE TABLE sessions (
    id               BLOB PRIMARY KEY,
    identity_id      BLOB NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    token_hash       BLOB NOT NULL UNIQUE,
    kind             TEXT NOT NULL,
    active           INTEGER NOT NULL,
    issued_at        INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    assurance_level  TEXT NOT NULL,
    methods          TEXT NOT NULL,
    devices          TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_identity ON sessions (identity_id, issued_at DESC, id);
CREATE INDEX sessions_by_issue ON sessions (issued_at DESC, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE flows (
    id          BLOB PRIMARY KEY,
    kind        TEXT NOT NULL,
    sealed_body BLOB NOT NULL,
    expires_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX flows_by_end ON flows (expires_at);

CREATE TABLE codes (
    id          BLOB PRIMARY KEY,
    flow_id     BLOB NOT NULL,
    purpose     TEXT NOT NULL,
    identity_id BLOB NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    address     TEXT NOT NULL,
    hash        BLOB NOT NULL,
    attempts    INTEGER NOT NULL,
    used        INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX codes_by_flow ON codes (flow_id, purpose);
CREATE INDEX codes_by_identity ON codes (identity_id);
CREATE INDEX codes_by_end ON codes (expires_at);

CREATE TABLE outbox (
    id         BLOB PRIMARY KEY,
    sealed     BLOB NOT NULL,
    template   TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER
) WITHOUT ROWID;
CREATE INDEX outbox_by_due ON outbox (due_at, created_at);

CREATE TABLE key_sets (
    name    TEXT PRIMARY KEY,
    managed TEXT,
    version INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE keys (
    set_name   TEXT NOT NULL REFERENCES key_sets (name) ON DELETE CASCADE,
    kid        TEXT NOT NULL,
    position   INTEGER NOT NULL,
    sealed_jwk BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (set_name, kid)
) WITHOUT ROWID;

CREATE TABLE revisions (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            BLOB NOT NULL UNIQUE,
    parent        BLOB,
    created_at    INTEGER NOT NULL,
    sealed_config BLOB NOT NULL,
    diff          TEXT NOT NULL
);
