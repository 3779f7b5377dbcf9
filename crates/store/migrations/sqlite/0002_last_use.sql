-- When a session was last used, to the minute or so; absent until that was noted once.
ALTER TABLE sessions ADD COLUMN last_used_at INTEGER;
