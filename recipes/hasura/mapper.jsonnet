local answers = {"audience":"hasura","namespace":"https://hasura.io/jwt/claims","role":"user"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if metadata == null then null else std.get(metadata, 'roles');
local roles = if given == null then [] else given;

{
  claims: {
    [answers.namespace]: {
      'x-hasura-user-id': identity.id,
      'x-hasura-default-role': answers.role,
      'x-hasura-allowed-roles': std.set([answers.role] + roles),
    },
  },
}
