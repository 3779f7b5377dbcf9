local answers = {"audience":"apache"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if std.isObject(metadata) then std.get(metadata, 'roles');
// One role may stand there by itself.
local roles = if given == null then [] else if std.isString(given) then [given] else given;

{
  assert std.isArray(roles) && std.all([std.isString(role) for role in roles]) : 'the roles are no list of names',
  claims: {
    roles: roles,
  },
}
