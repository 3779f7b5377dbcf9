-- When a session was last used is written often. With room left in its page, a row is changed there and no index has
-- to follow.
ALTER TABLE sessions SET (fillfactor = 85);
