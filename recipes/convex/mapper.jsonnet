local answers = {"audience":"convex"};
local identity = std.extVar('session').identity;
local addresses = std.get(identity, 'verifiable_addresses');
local verified = [a.value for a in if addresses == null then [] else addresses if a.verified];
local given_traits = std.get(identity, 'traits');
local traits = if given_traits == null then {} else given_traits;
local email = std.get(traits, 'email');
local given_name = std.get(traits, 'name');
local parts = if std.isObject(given_name) then given_name else if std.isString(given_name) then { first: given_name } else {};
local part(which) = local text = std.get(parts, which); if text == null then '' else text;
local words = std.stripChars(part('first') + ' ' + part('last'), ' ');
// An address that was not proven is nobody's name.
local name = if words != '' then words else if std.member(verified, email) then email;

{
  claims: {
    [if email != null then 'email']: email,
    [if email != null then 'email_verified']: std.member(verified, email),
    [if name != null then 'name']: name,
  },
}
