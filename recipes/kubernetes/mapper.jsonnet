local answers = {"audience":"kubernetes"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if std.isObject(metadata) then std.get(metadata, 'roles');
// One role may stand there by itself.
local roles = if given == null then [] else if std.isString(given) then [given] else given;
// Groups that begin so are those of Kubernetes itself: system:masters may do everything.
local is_own(role) = std.startsWith(role, 'system:');

{
  assert std.isArray(roles) && std.all([std.isString(role) for role in roles]) : 'the roles are no list of names',
  assert !std.any([is_own(role) for role in roles]) : 'a role begins with system: as groups of Kubernetes do: give it another name in metadata_public',
  claims: {
    groups: roles,
  },
}
