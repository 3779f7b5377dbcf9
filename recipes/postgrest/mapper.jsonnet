local answers = {"audience":"postgrest","role":"authenticated"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if std.isObject(metadata) then std.get(metadata, 'roles');
// One role may stand there by itself.
local roles = if given == null then [] else if std.isString(given) then [given] else given;
local addresses = std.get(identity, 'verifiable_addresses');
local verified = [a.value for a in if addresses == null then [] else addresses if a.verified];
local given_traits = std.get(identity, 'traits');
local traits = if given_traits == null then {} else given_traits;
local email = std.get(traits, 'email');

{
  assert std.isArray(roles) && std.all([std.isString(role) for role in roles]) : 'the roles are no list of names',
  claims: {
    role: answers.role,
    roles: roles,
    [if std.member(verified, email) then 'email']: email,
  },
}
