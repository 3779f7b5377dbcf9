-- The record is listed by when things happened, as the id of an entry tells, and by the parts of an entry that people ask
-- for. Entries get into these indexes when they are put in order, so that no change waits for it.
CREATE INDEX audit_by_action ON audit (json_extract(content, '$.action'), id) WHERE number IS NOT NULL;
CREATE INDEX audit_by_actor ON audit (
    coalesce(json_extract(content, '$.actor.name'), json_extract(content, '$.actor.id'), json_extract(content, '$.actor.kind')), id
) WHERE number IS NOT NULL;
CREATE INDEX audit_by_session ON audit (json_extract(content, '$.about.session_id'), id) WHERE number IS NOT NULL;
CREATE INDEX audit_by_tokens ON audit (id)
    WHERE number IS NOT NULL AND json_extract(content, '$.actor.kind') = 'token';
CREATE INDEX audit_of_refusals ON audit (id)
    WHERE number IS NOT NULL AND json_extract(content, '$.outcome') = 'refused';
DROP INDEX audit_by_identity;
CREATE INDEX audit_by_identity ON audit (identity_id, id) WHERE number IS NOT NULL;

-- Who made a revision, as the record has it, which is kept for a shorter time.
ALTER TABLE revisions ADD COLUMN made_by TEXT;
UPDATE revisions SET made_by = entry.actor FROM (
    SELECT json_extract(content, '$.about.revision') AS revision, json_extract(content, '$.actor') AS actor
    FROM audit WHERE json_extract(content, '$.action') = 'configuration_changed'
) AS entry WHERE replace(entry.revision, '-', '') = lower(hex(id));
