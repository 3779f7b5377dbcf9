-- Tables as an Ory Kratos keeps them, with a few people. {id}, {json}, {time} stand for the types of the
-- engine: char(36), TEXT and DATETIME, or UUID, jsonb and timestamp.

CREATE TABLE networks (id {id} PRIMARY KEY, created_at {time} NOT NULL, updated_at {time} NOT NULL);
CREATE TABLE identities (
    id {id} PRIMARY KEY, schema_id VARCHAR(2048) NOT NULL, traits {json} NOT NULL,
    created_at {time} NOT NULL, updated_at {time} NOT NULL, nid {id},
    state VARCHAR(255) NOT NULL DEFAULT 'active', state_changed_at {time},
    metadata_public {json}, metadata_admin {json}, available_aal VARCHAR(4), organization_id {id},
    external_id VARCHAR(255)
);
CREATE TABLE identity_credential_types (id {id} PRIMARY KEY, name VARCHAR(32) NOT NULL);
CREATE TABLE identity_credentials (
    id {id} PRIMARY KEY, config {json} NOT NULL, identity_credential_type_id {id} NOT NULL,
    identity_id {id} NOT NULL, created_at {time} NOT NULL, updated_at {time} NOT NULL, nid {id},
    version INT NOT NULL DEFAULT 0
);
CREATE TABLE identity_credential_identifiers (
    id {id} PRIMARY KEY, identifier VARCHAR(255) NOT NULL, identity_credential_id {id} NOT NULL,
    created_at {time} NOT NULL, updated_at {time} NOT NULL, nid {id},
    identity_credential_type_id {id} NOT NULL
);
CREATE TABLE identity_verifiable_addresses (
    id {id} PRIMARY KEY, status VARCHAR(16) NOT NULL, via VARCHAR(16) NOT NULL, verified BOOLEAN NOT NULL,
    value VARCHAR(400) NOT NULL, verified_at {time}, identity_id {id} NOT NULL,
    created_at {time} NOT NULL, updated_at {time} NOT NULL, nid {id}
);
CREATE TABLE identity_recovery_addresses (
    id {id} PRIMARY KEY, via VARCHAR(16) NOT NULL, value VARCHAR(400) NOT NULL, identity_id {id} NOT NULL,
    created_at {time} NOT NULL, updated_at {time} NOT NULL, nid {id}
);
CREATE TABLE sessions (
    id {id} PRIMARY KEY, issued_at {time} NOT NULL, expires_at {time} NOT NULL, authenticated_at {time} NOT NULL,
    identity_id {id} NOT NULL, created_at {time} NOT NULL, updated_at {time} NOT NULL, token VARCHAR(39),
    active BOOLEAN, nid {id}, logout_token VARCHAR(39), aal VARCHAR(4) NOT NULL DEFAULT '',
    authentication_methods {json}
);
CREATE TABLE session_devices (
    id {id} PRIMARY KEY, ip_address VARCHAR(50) DEFAULT '', user_agent VARCHAR(512) DEFAULT '',
    location VARCHAR(512) DEFAULT '', nid {id}, session_id {id} NOT NULL, created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE TABLE courier_messages (id {id} PRIMARY KEY);

INSERT INTO networks VALUES ('00000000-0000-4000-8000-00000000000f', '2024-01-01 00:00:00', '2024-01-01 00:00:00');
INSERT INTO identities VALUES
    ('00000000-0000-4000-8000-0000000000a1', 'person', '{"name": {"first": "Ada"}, "email": "ada@example.org"}',
     '2024-05-06 07:08:09.1', '2024-05-07 00:00:00', '00000000-0000-4000-8000-00000000000f', 'active',
     '2024-05-06 07:08:09', '{"plan": "pro"}', '{"note": [1, 2]}', 'aal2', NULL, 'crm-1'),
    ('00000000-0000-4000-8000-0000000000b2', 'person', '{"email": "bob@example.org"}',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f', 'inactive',
     NULL, NULL, NULL, NULL, NULL, NULL),
    ('00000000-0000-4000-8000-0000000000c3', 'machine', '{}',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f', 'active',
     NULL, NULL, NULL, NULL, NULL, 'crm-1');
INSERT INTO identity_credential_types VALUES
    ('00000000-0000-4000-8000-000000000001', 'password'),
    ('00000000-0000-4000-8000-000000000002', 'oidc'),
    ('00000000-0000-4000-8000-000000000003', 'totp'),
    ('00000000-0000-4000-8000-000000000004', 'lookup_secret'),
    ('00000000-0000-4000-8000-000000000005', 'webauthn'),
    ('00000000-0000-4000-8000-000000000006', 'code'),
    ('00000000-0000-4000-8000-000000000007', 'saml');
INSERT INTO identity_credentials VALUES
    ('00000000-0000-4000-8000-000000000011',
     '{"hashed_password": "$2a$04$zRXbiQYbpNJfkYAVGYgqGOLVnSHUOMwGzvmwbm5ZzKfXZmTUBoLRm"}',
     '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-0000000000a1',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f', 0),
    ('00000000-0000-4000-8000-000000000012', '{"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&issuer=x"}',
     '00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-0000000000a1',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f', 0),
    ('00000000-0000-4000-8000-000000000013', '{"recovery_codes": [{"code": "abcd1234"}]}',
     '00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-0000000000a1',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f', 1),
    ('00000000-0000-4000-8000-000000000014',
     '{"providers": [{"subject": "1234", "provider": "google", "initial_id_token": "sealed"}]}',
     '00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-0000000000b2',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f', 0),
    ('00000000-0000-4000-8000-000000000015', '{"credentials": []}',
     '00000000-0000-4000-8000-000000000005', '00000000-0000-4000-8000-0000000000b2',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f', 0),
    ('00000000-0000-4000-8000-000000000016', '{"address_type": "email", "used_at": null}',
     '00000000-0000-4000-8000-000000000006', '00000000-0000-4000-8000-0000000000b2',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f', 0),
    ('00000000-0000-4000-8000-000000000017', '{"providers": []}',
     '00000000-0000-4000-8000-000000000007', '00000000-0000-4000-8000-0000000000b2',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f', 0);
INSERT INTO identity_credential_identifiers VALUES
    ('00000000-0000-4000-8000-000000000021', 'ada@example.org', '00000000-0000-4000-8000-000000000011',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f',
     '00000000-0000-4000-8000-000000000001'),
    ('00000000-0000-4000-8000-000000000022', 'google:1234', '00000000-0000-4000-8000-000000000014',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f',
     '00000000-0000-4000-8000-000000000002');
INSERT INTO identity_credential_identifiers VALUES
    ('00000000-0000-4000-8000-000000000023', 'bob@example.org', '00000000-0000-4000-8000-000000000016',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f',
     '00000000-0000-4000-8000-000000000006');
INSERT INTO identity_verifiable_addresses VALUES
    ('00000000-0000-4000-8000-000000000031', 'completed', 'email', TRUE, 'ada@example.org', '2024-05-06 08:00:00',
     '00000000-0000-4000-8000-0000000000a1', '2024-05-06 07:08:09', '2024-05-06 08:00:00',
     '00000000-0000-4000-8000-00000000000f'),
    ('00000000-0000-4000-8000-000000000032', 'sent', 'email', FALSE, 'bob@example.org', NULL,
     '00000000-0000-4000-8000-0000000000b2', '2024-05-06 07:08:09', '2024-05-06 07:08:09',
     '00000000-0000-4000-8000-00000000000f');
INSERT INTO identity_recovery_addresses VALUES
    ('00000000-0000-4000-8000-000000000041', 'email', 'ada@example.org', '00000000-0000-4000-8000-0000000000a1',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', '00000000-0000-4000-8000-00000000000f');
INSERT INTO sessions VALUES
    ('00000000-0000-4000-8000-000000000051', '2024-05-06 07:08:09.5', '2124-05-06 07:08:09', '2024-05-06 07:09:00', '00000000-0000-4000-8000-0000000000a1',
     '2024-05-06 07:08:09', '2024-05-06 07:09:00', 'ory_st_live', TRUE, '00000000-0000-4000-8000-00000000000f',
     'ory_lo_51', 'aal2', '[{"method": "password", "aal": "aal1", "completed_at": "2024-05-06T07:08:09.5Z"},
      {"method": "totp", "aal": "aal2", "completed_at": "2024-05-06T07:09:00Z"}]'),
    ('00000000-0000-4000-8000-000000000052', '2024-05-06 07:08:09.5', '2024-05-06 09:00:00', '2024-05-06 07:09:00', '00000000-0000-4000-8000-0000000000a1',
     '2024-05-06 07:08:09', '2024-05-06 07:09:00', 'ory_st_ended', TRUE, '00000000-0000-4000-8000-00000000000f',
     'ory_lo_52', 'aal1', '[]'),
    ('00000000-0000-4000-8000-000000000053', '2024-05-06 07:08:09.5', '2124-05-06 07:08:09', '2024-05-06 07:09:00', '00000000-0000-4000-8000-0000000000a1',
     '2024-05-06 07:08:09', '2024-05-06 07:09:00', 'ory_st_revoked', FALSE, '00000000-0000-4000-8000-00000000000f',
     'ory_lo_53', 'aal1', '[]'),
    ('00000000-0000-4000-8000-000000000054', '2024-05-06 07:08:09.5', '2124-05-06 07:08:09', '2024-05-06 07:09:00', '00000000-0000-4000-8000-0000000000b2',
     '2024-05-06 07:08:09', '2024-05-06 07:09:00', 'ory_st_of_bob', TRUE, '00000000-0000-4000-8000-00000000000f',
     'ory_lo_54', 'aal1', '[]');
INSERT INTO session_devices VALUES
    ('00000000-0000-4000-8000-000000000061', '192.0.2.1', 'curl', 'Zurich', '00000000-0000-4000-8000-00000000000f',
     '00000000-0000-4000-8000-000000000051', '2024-05-06 07:08:09', '2024-05-06 07:08:09');
