local answers = {"audience":"clickhouse"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if metadata == null then null else std.get(metadata, 'roles');
local roles = if given == null then [] else given;

{
  claims: {
    'clickhouse:roles': roles,
  },
}
