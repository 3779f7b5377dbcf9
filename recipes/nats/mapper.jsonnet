local answers = {"audience":"nats","subject":"people"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if metadata == null then null else std.get(metadata, 'roles');
local roles = if given == null then [] else given;
local own = answers.subject + '.' + identity.id + '.>';

{
  claims: {
    nats: {
      pub: { allow: [own] + ['roles.' + role + '.>' for role in roles] },
      sub: { allow: [own, '_INBOX.' + identity.id + '.>'] },
    },
  },
}
