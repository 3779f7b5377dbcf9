-- When a sink was in a configuration that somebody made. Whoever has an older one does not forget it soon after.
ALTER TABLE sinks ADD COLUMN configured_at INTEGER NOT NULL DEFAULT 0;
