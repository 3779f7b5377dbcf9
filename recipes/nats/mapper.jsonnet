local answers = {"audience":"nats","subject":"people"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if std.isObject(metadata) then std.get(metadata, 'roles');
// One role may stand there by itself.
local roles = if given == null then [] else if std.isString(given) then [given] else given;
local own = answers.subject + '.' + identity.id + '.>';
// NATS would read dots, blanks, * and > in a role as more subjects than that of the role.
local letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
local is_word(role) = role != '' && std.all([std.member(letters, letter) for letter in std.stringChars(role)]);

{
  assert std.isArray(roles) && std.all([std.isString(role) for role in roles]) : 'the roles are no list of names',
  assert std.all([is_word(role) for role in roles]) : 'a role is no word of letters, digits, - and _: give it such a name in metadata_public',
  claims: {
    nats: {
      pub: { allow: [own] + ['roles.' + role + '.>' for role in roles] },
      sub: { allow: [own, '_INBOX.' + identity.id + '.>'] },
    },
  },
}
