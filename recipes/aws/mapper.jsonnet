local answers = {"audience":"sts.amazonaws.com"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if std.isObject(metadata) then std.get(metadata, 'roles');
// One role may stand there by itself.
local roles = if given == null then [] else if std.isString(given) then [given] else given;
// A colon would make two roles of one. AWS takes letters of other alphabets too, and judges them itself.
local letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _./=+-@';
local is_taken(letter) = std.codepoint(letter) > 127 || std.member(letters, letter);
local is_tag(role) = role != '' && std.all([is_taken(letter) for letter in std.stringChars(role)]);
local joined = std.join(':', roles);

{
  assert std.isArray(roles) && std.all([std.isString(role) for role in roles]) : 'the roles are no list of names',
  assert std.all([is_tag(role) for role in roles]) : 'a role is empty, or has a letter that AWS takes in no tag: give it another name in metadata_public',
  assert std.length(joined) <= 256 : 'the roles are longer than 256 letters together: give fewer or shorter ones in metadata_public',
  claims: {
    'https://aws.amazon.com/tags': {
      principal_tags: { roles: [joined] },
      transitive_tag_keys: ['roles'],
    },
  },
}
