-- Messages are kept for a while after they were sent or given up, without their content, so that an administrator sees
-- what became of them. What was given up before was not sent.
ALTER TABLE outbox ADD COLUMN status TEXT NOT NULL DEFAULT 'queued';
ALTER TABLE outbox ADD COLUMN recipient TEXT;
ALTER TABLE outbox ADD COLUMN dispatches TEXT NOT NULL DEFAULT '[]';
ALTER TABLE outbox ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE outbox SET status = 'abandoned' WHERE due_at IS NULL;
CREATE INDEX outbox_by_creation ON outbox (created_at, id);
CREATE INDEX outbox_by_recipient ON outbox (recipient, created_at, id);

-- People are searched by the beginning of what they sign in with, byte by byte.
CREATE INDEX identifiers_by_beginning ON identifiers (identifier text_pattern_ops);
