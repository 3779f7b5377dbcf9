-- What a revision changed may hold secrets. It is encrypted from now on; rows that are there are when a node starts.
ALTER TABLE revisions ADD COLUMN sealed_diff BYTEA;
