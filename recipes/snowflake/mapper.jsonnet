local answers = {"audience":"https://org-account.snowflakecomputing.com","scope":"session:role-any"};
local identity = std.extVar('session').identity;
local addresses = std.get(identity, 'verifiable_addresses');
local verified = [a.value for a in if addresses == null then [] else addresses if a.verified];
local given_traits = std.get(identity, 'traits');
local traits = if given_traits == null then {} else given_traits;
local email = std.get(traits, 'email');

{
  // Snowflake believes the address: one that was not proven would open what belongs to somebody else.
  assert std.member(verified, email) : 'the address is not verified',
  claims: {
    email: email,
    scp: [answers.scope],
  },
}
