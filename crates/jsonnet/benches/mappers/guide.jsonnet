// The shape of the mapper that people begin with: one claim changed, one picked, the session whole.
local claims = std.extVar('claims');
local session = std.extVar('session');
{
  claims: {
    iss: claims.iss + '/tenant',
    schema: session.identity.schema_id,
    session: session,
  },
}
