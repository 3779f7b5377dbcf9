// A provider that people really run: oidc-provider by panva, certified by the OpenID Foundation. It vouches for everybody
// under any name, with an address that it says it has verified.

import { createServer } from "node:http"

import { Provider } from "oidc-provider"

const SECRET = "a secret that the provider gives out"

/** What makes an identity of what the provider says. */
export const MAPPER = `
local claims = std.extVar('claims');
{ identity: {
  traits: { email: claims.email },
  verified_addresses: if std.get(claims, 'email_verified', false) then [{ via: 'email', value: claims.email }] else [],
} }`

/** A provider on loopback, whose browsers come back to `base` from what Sessera calls by these ids. */
export async function openProvider(base, ids = ["panva"]) {
  const listener = createServer()
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve))
  const issuer = `http://127.0.0.1:${listener.address().port}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "sessera",
        client_secret: SECRET,
        redirect_uris: ids.map((id) => `${base}/self-service/methods/oidc/callback/${id}`),
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    cookies: { keys: ["a key for cookies of the test"] },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@example.test`, email_verified: true }),
    }),
    pkce: { required: () => true },
  })
  listener.on("request", provider.callback())
  return {
    issuer,
    /** The provider as Sessera is configured to know it. */
    known: (id, more = {}) => ({
      id,
      provider: "generic",
      client_id: "sessera",
      client_secret: SECRET,
      issuer_url: issuer,
      scope: ["email"],
      claims_source: "userinfo",
      mapper_url: `base64://${Buffer.from(more.mapper ?? MAPPER).toString("base64")}`,
      ...(more.label && { label: more.label }),
    }),
    close: () => {
      listener.closeAllConnections()
      listener.close()
    },
  }
}
