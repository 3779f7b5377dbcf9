-- The record is listed by when things happened, as the id of an entry tells, and by the parts of an entry that people ask
-- for. Entries get into these indexes when they are put in order, so that no change waits for it. The parts are cut out of
-- the text: not every text that is JSON can be read as a value of that type here.
CREATE INDEX audit_by_action ON audit (substring(content from '^\{"action":"([a-z_]+)"'), id) WHERE number IS NOT NULL;
CREATE INDEX audit_by_actor ON audit (
    substring(content from '^\{"action":"[a-z_]+","outcome":"[a-z]+","actor":\{(?:"kind":"[a-z]+",)?"[a-z]+":"([^"]+)"'), id
) WHERE number IS NOT NULL;
CREATE INDEX audit_by_session ON audit (substring(content from '"session_id":"([0-9a-f-]{36})"'), id) WHERE number IS NOT NULL;
CREATE INDEX audit_by_tokens ON audit (id) WHERE number IS NOT NULL
    AND content ~ '^\{"action":"[a-z_]+","outcome":"[a-z]+","actor":\{"kind":"token"';
CREATE INDEX audit_of_refusals ON audit (id) WHERE number IS NOT NULL
    AND content ~ '^\{"action":"[a-z_]+","outcome":"refused"';
DROP INDEX audit_by_identity;
CREATE INDEX audit_by_identity ON audit (identity_id, id) WHERE number IS NOT NULL;

-- Who made a revision, as the record has it, which is kept for a shorter time.
ALTER TABLE revisions ADD COLUMN made_by TEXT;
UPDATE revisions SET made_by = substring(content from '"actor":(\{[^}]*\})') FROM audit
WHERE substring(content from '^\{"action":"([a-z_]+)"') = 'configuration_changed'
    AND substring(content from '"about":\{"revision":"([0-9a-f-]{36})"') = revisions.id::text;

-- The first people whose address begins with a text are found by it, however many there are.
CREATE INDEX identifiers_by_kind_and_beginning ON identifiers (kind, identifier text_pattern_ops);
DROP INDEX identifiers_by_beginning;
