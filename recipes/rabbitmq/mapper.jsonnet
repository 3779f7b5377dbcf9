local answers = {"audience":"rabbitmq","vhost":"%2F"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if metadata == null then null else std.get(metadata, 'roles');
local roles = if given == null then [] else given;
local scope(right) = '%s.%s:%s/%s-*/*' % [answers.audience, right, answers.vhost, identity.id];
local tags = ['%s.tag:%s' % [answers.audience, role] for role in roles if std.member(['monitoring', 'administrator'], role)];

{
  claims: {
    scope: [scope(right) for right in ['configure', 'read', 'write']] + tags,
  },
}
