// The shape of a mapper as a product has it after a while.
local claims = std.extVar('claims');
local session = std.extVar('session');
local traits = session.identity.traits;
local field(o, name, otherwise=null) = if std.objectHas(o, name) then o[name] else otherwise;
local verified = [a.value for a in session.identity.verifiable_addresses if a.verified];
local methods = std.map(function(m) m.method, session.authentication_methods);
local name = field(traits, 'name', {});
{
  claims: {
    email: traits.email,
    email_verified: std.member(verified, traits.email),
    [if std.objectHas(name, 'first') then 'name']: '%s %s' % [name.first, name.last],
    verified: std.join(' ', verified),
    amr: std.sort(std.uniq(methods)),
    aal: session.authenticator_assurance_level,
    acr: if session.authenticator_assurance_level == 'aal2' then 'urn:two' else 'urn:one',
    'https://example.org/claims': {
      'x-role': 'member',
      'x-roles': ['member'] + (if std.endsWith(traits.email, '@example.org') then ['staff'] else []),
      'x-user': session.identity.id,
    },
    device: if std.length(session.devices) > 0 then session.devices[0] { location+: '' } else {},
    groups: std.set(['b', 'a', 'c', 'b']),
    refresh_at: claims.exp - 120,
    scope: std.join(' ', std.filter(function(s) std.startsWith(s, 'r'), ['read', 'write', 'run'])),
    settings: { theme: 'dark', mail: { news: true } } + { mail+: { alerts: false } },
  },
}
