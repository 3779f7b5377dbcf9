local answers = {};
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
local given_name = std.get(traits, 'name');
local parts = if std.isObject(given_name) then given_name else if std.isString(given_name) then { first: given_name } else {};
local part(which) = local text = std.get(parts, which); if text == null then '' else text;

{
  assert std.isArray(roles) && std.all([std.isString(role) for role in roles]) : 'the roles are no list of names',
  // Metabase believes the address: one that was not proven would open what belongs to somebody else.
  assert std.member(verified, email) : 'the address is not verified',
  claims: {
    email: email,
    first_name: part('first'),
    last_name: part('last'),
    groups: roles,
  },
}
