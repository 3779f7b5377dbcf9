-- Times are microseconds since 1970-01-01T00:00:00Z, columns named sealed_* are encrypted under
-- secrets.cipher.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE identities (
    id                   UUID PRIMARY KEY,
    external_id          TEXT CONSTRAINT identities_external_id UNIQUE,
    schema_id            TEXT NOT NULL,
    state                TEXT NOT NULL,
    state_changed_at     BIGINT NOT NULL,
    traits               TEXT NOT NULL,
    verifiable_addresses TEXT NOT NULL,
    recovery_addresses   TEXT NOT NULL,
    metadata_public      TEXT,
    metadata_admin       TEXT,
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    version              BIGINT NOT NULL
);

CREATE TABLE addresses (
    purpose     TEXT NOT NULL,
    via         TEXT NOT NULL,
    value       TEXT NOT NULL,
    identity_id UUID NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    CONSTRAINT addresses_of_one PRIMARY KEY (purpose, via, value)
);
CREATE INDEX addresses_by_identity ON addresses (identity_id);

CREATE TABLE credentials (
    identity_id   UUID NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    kind          TEXT NOT NULL,
    sealed_config BYTEA NOT NULL,
    identifiers   TEXT NOT NULL,
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (identity_id, kind)
);

CREATE TABLE identifiers (
    kind        TEXT NOT NULL,
    identifier  TEXT NOT NULL,
    identity_id UUID NOT NULL,
    CONSTRAINT identifiers_of_one PRIMARY KEY (kind, identifier),
    FOREIGN KEY (identity_id, kind) REFERENCES credentials (identity_id, kind) ON DELETE CASCADE
);
CREATE INDEX identifiers_by_identity ON identifiers (identity_id, kind);
CREATE INDEX identifiers_by_identifier ON identifiers (identifier);

CREATE TABLE sessions (
    id               UUID PRIMARY KEY,
    identity_id      UUID NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    token_hash       BYTEA NOT NULL UNIQUE,
    kind             TEXT NOT NULL,
    active           BOOLEAN NOT NULL,
    issued_at        BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    assurance_level  TEXT NOT NULL,
    methods          TEXT NOT NULL,
    devices          TEXT NOT NULL
);
CREATE INDEX sessions_by_identity ON sessions (identity_id, issued_at DESC, id DESC);
CREATE INDEX sessions_by_issue ON sessions (issued_at DESC, id DESC);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE flows (
    id          UUID PRIMARY KEY,
    kind        TEXT NOT NULL,
    sealed_body BYTEA NOT NULL,
    expires_at  BIGINT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE INDEX flows_by_end ON flows (expires_at);

CREATE TABLE codes (
    id          UUID PRIMARY KEY,
    flow_id     UUID NOT NULL,
    purpose     TEXT NOT NULL,
    identity_id UUID NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    address     TEXT NOT NULL,
    hash        BYTEA NOT NULL,
    attempts    BIGINT NOT NULL,
    used        BOOLEAN NOT NULL,
    expires_at  BIGINT NOT NULL,
    UNIQUE (flow_id, purpose)
);
CREATE INDEX codes_by_identity ON codes (identity_id);
CREATE INDEX codes_by_end ON codes (expires_at);

CREATE TABLE outbox (
    id         UUID PRIMARY KEY,
    sealed     BYTEA NOT NULL,
    template   TEXT NOT NULL,
    attempts   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at     BIGINT
);
CREATE INDEX outbox_by_due ON outbox (due_at, created_at);

CREATE TABLE key_sets (
    name    TEXT PRIMARY KEY,
    managed TEXT,
    version BIGINT NOT NULL
);

CREATE TABLE keys (
    set_name   TEXT NOT NULL REFERENCES key_sets (name) ON DELETE CASCADE,
    kid        TEXT NOT NULL,
    position   BIGINT NOT NULL,
    sealed_jwk BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (set_name, kid)
);

-- The number is one more than that of the parent, so of two that are made from the same one only the
-- first is taken.
CREATE TABLE revisions (
    number        BIGINT PRIMARY KEY,
    id            UUID NOT NULL UNIQUE,
    parent        UUID,
    created_at    BIGINT NOT NULL,
    sealed_config BYTEA NOT NULL,
    diff          TEXT NOT NULL
);
