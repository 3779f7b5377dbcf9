-- Tokens of the admin API with their names and roles. What is kept of the token itself is its hash.
CREATE TABLE admin_tokens (
    name       TEXT PRIMARY KEY,
    role       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
);
