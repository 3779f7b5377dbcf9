local answers = {"audience":"sts.amazonaws.com"};
local identity = std.extVar('session').identity;
local metadata = std.get(identity, 'metadata_public');
local given = if metadata == null then null else std.get(metadata, 'roles');
local roles = if given == null then [] else given;

{
  claims: {
    'https://aws.amazon.com/tags': {
      principal_tags: { roles: [std.join(':', roles)] },
      transitive_tag_keys: ['roles'],
    },
  },
}
