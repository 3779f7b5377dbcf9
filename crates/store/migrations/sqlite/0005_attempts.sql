-- Wrong codes are counted in their flow, which is changed at each attempt anyway.
ALTER TABLE codes DROP COLUMN attempts;
