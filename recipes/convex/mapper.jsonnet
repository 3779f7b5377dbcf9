local answers = {"audience":"convex"};
local identity = std.extVar('session').identity;
local addresses = std.get(identity, 'verifiable_addresses');
local verified = [a.value for a in if addresses == null then [] else addresses if a.verified];
local given_name = std.get(identity.traits, 'name');
local parts = if given_name == null then {} else given_name;
local part(which) = local text = std.get(parts, which); if text == null then '' else text;
local words = std.stripChars(part('first') + ' ' + part('last'), ' ');
local name = if words == '' then identity.traits.email else words;

{
  claims: {
    email: identity.traits.email,
    email_verified: std.member(verified, identity.traits.email),
    name: name,
  },
}
