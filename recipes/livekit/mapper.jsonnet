local answers = {"api_key":"APIexample","room":"lobby"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if metadata == null then null else std.get(metadata, 'roles');
local roles = if given == null then [] else given;
local given_traits = std.get(identity, 'traits');
local traits = if given_traits == null then {} else given_traits;
local given_name = std.get(traits, 'name');
local parts = if given_name == null then {} else given_name;
local part(which) = local text = std.get(parts, which); if text == null then '' else text;
local words = std.stripChars(part('first') + ' ' + part('last'), ' ');

{
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
