-- People like the one with the number :model, from the number :from up to before :to: what seed.rs makes
-- one by one, made by PostgreSQL itself.

CREATE FUNCTION pg_temp.scattered(what TEXT, number BIGINT) RETURNS UUID LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(substr(sha256(convert_to(what || ' ' || number, 'UTF8')), 1, 16), 'hex')::uuid
$$;

-- Rows are right by how they are made.
SET session_replication_role = replica;
SET synchronous_commit = off;

INSERT INTO identities (id, schema_id, state, state_changed_at, traits, verifiable_addresses, recovery_addresses,
    metadata_public, created_at, updated_at, version)
SELECT pg_temp.scattered('identity', number), schema_id, state, state_changed_at,
    replace(replace(traits, 'person-' || :model || '@', 'person-' || number || '@'),
        'Lovelace ' || :model, 'Lovelace ' || number),
    replace(replace(verifiable_addresses, 'person-' || :model || '@', 'person-' || number || '@'),
        pg_temp.scattered('address', :model)::text, pg_temp.scattered('address', number)::text),
    recovery_addresses, metadata_public, created_at, updated_at, version
FROM generate_series(:from, :to - 1) AS number, identities
WHERE id = pg_temp.scattered('identity', :model);

INSERT INTO addresses (purpose, via, value, identity_id)
SELECT purpose, via, 'person-' || number || '@example.org', pg_temp.scattered('identity', number)
FROM generate_series(:from, :to - 1) AS number, addresses
WHERE identity_id = pg_temp.scattered('identity', :model);

INSERT INTO sessions (id, identity_id, token_hash, kind, active, issued_at, expires_at, authenticated_at,
    assurance_level, methods, devices)
SELECT pg_temp.scattered('session', number), pg_temp.scattered('identity', number),
    sha256(convert_to('bench_token_with_the_usual_length_' || lpad(number::text, 10, '0'), 'UTF8')),
    kind, active, issued_at, expires_at, authenticated_at, assurance_level, methods,
    replace(devices, pg_temp.scattered('device', :model)::text, pg_temp.scattered('device', number)::text)
FROM generate_series(:from, :to - 1) AS number, sessions
WHERE id = pg_temp.scattered('session', :model);

VACUUM (ANALYZE) identities, addresses, sessions;
CHECKPOINT;
