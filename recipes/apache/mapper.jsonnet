local answers = {"audience":"apache"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if std.isObject(metadata) then std.get(metadata, 'roles');
// One role may stand there by itself.
local roles = if given == null then [] else if std.isString(given) then [given] else given;
// Applications get the roles in one header with commas between.
local is_one(role) = role != '' && !std.member(role, ',');

{
  assert std.isArray(roles) && std.all([std.isString(role) for role in roles]) : 'the roles are no list of names',
  assert std.all([is_one(role) for role in roles]) : 'a role is empty or has a comma: give it another name in metadata_public',
  claims: {
    roles: roles,
  },
}
