local answers = {"audience":"//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/sessera"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if metadata == null then null else std.get(metadata, 'roles');
local roles = if given == null then [] else given;

{
  claims: {
    groups: roles,
  },
}
