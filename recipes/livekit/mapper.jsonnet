local answers = {"api_key":"APIexample","room":"lobby"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if std.isObject(metadata) then std.get(metadata, 'roles');
// One role may stand there by itself.
local roles = if given == null then [] else if std.isString(given) then [given] else given;
local given_traits = std.get(identity, 'traits');
local traits = if given_traits == null then {} else given_traits;
local given_name = std.get(traits, 'name');
local parts = if std.isObject(given_name) then given_name else if std.isString(given_name) then { first: given_name } else {};
local part(which) = local text = std.get(parts, which); if text == null then '' else text;
local words = std.stripChars(part('first') + ' ' + part('last'), ' ');

{
  assert std.isArray(roles) && std.all([std.isString(role) for role in roles]) : 'the roles are no list of names',
  claims: {
    iss: answers.api_key,
    name: words,
    video: {
      room: answers.room,
      roomJoin: true,
      roomAdmin: std.member(roles, 'moderator'),
    },
  },
}
