-- What a revision changed may hold secrets. It is encrypted from now on; rows that are there are when the file is opened.
ALTER TABLE revisions ADD COLUMN sealed_diff BLOB;
