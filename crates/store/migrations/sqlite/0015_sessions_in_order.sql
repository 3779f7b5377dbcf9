-- Sessions are listed from the newest to the oldest, and by their ids downwards where they began at the same time. An index
-- whose ids go upwards left all of one moment to be sorted for each list.
DROP INDEX sessions_by_identity;
DROP INDEX sessions_by_issue;
CREATE INDEX sessions_by_identity ON sessions (identity_id, issued_at DESC, id DESC);
CREATE INDEX sessions_by_issue ON sessions (issued_at DESC, id DESC);
