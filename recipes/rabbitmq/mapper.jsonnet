local answers = {"audience":"rabbitmq","vhost":"%2F"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if std.isObject(metadata) then std.get(metadata, 'roles');
// One role may stand there by itself.
local roles = if given == null then [] else if std.isString(given) then [given] else given;
local scope(right) = '%s.%s:%s/%s-*/*' % [answers.audience, right, answers.vhost, identity.id];
local tags = ['%s.tag:%s' % [answers.audience, role] for role in roles if std.member(['monitoring', 'administrator'], role)];

{
  assert std.isArray(roles) && std.all([std.isString(role) for role in roles]) : 'the roles are no list of names',
  claims: {
    scope: [scope(right) for right in ['configure', 'read', 'write']] + tags,
  },
}
