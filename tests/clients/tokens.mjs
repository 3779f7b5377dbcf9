// How somebody has signed in, as their session says it and as the token does that is made of it.

import assert from "node:assert/strict"

import { createRemoteJWKSet, jwtVerify } from "jose"

const MAPPER = `
local session = std.extVar('session');
{ claims: {
  aal: session.authenticator_assurance_level,
  amr: [proof.method for proof in session.authentication_methods],
  proofs: session.authentication_methods,
} }`

/** The configuration of a template whose tokens say how somebody has signed in. */
export const TOKENIZER = {
  templates: {
    levels: { jwks_url: "set://levels", claims_mapper_url: `base64://${Buffer.from(MAPPER).toString("base64")}`, ttl: "5m" },
  },
}

/** Makes the key of that template. */
export async function makeKey(server) {
  const made = await server.run("create", "jwk", "levels", "--alg", "ES256")
  assert.equal(made.code, 0, made.stderr)
}

/**
 * The level and the ways of a session that was answered with a token, once jose has verified the token with the keys that
 * the server publishes and it says the same as the session.
 */
export async function proven(server, session, issuer = `${server.publicUrl}/`) {
  const keys = createRemoteJWKSet(new URL(`${server.publicUrl}/.well-known/jwks.json`))
  const expected = { issuer, subject: session.identity.id, algorithms: ["ES256"], typ: "JWT" }
  const { payload } = await jwtVerify(session.tokenized, keys, expected)
  const proofs = session.authentication_methods
  const told = { aal: session.authenticator_assurance_level, amr: proofs.map(({ method }) => method) }
  assert.equal(payload.sid, session.id)
  assert.deepEqual({ aal: payload.aal, amr: payload.amr }, told)
  assert.deepEqual(payload.proofs, proofs)
  const levels = proofs.map(({ aal }) => aal).filter((aal) => aal)
  assert.equal(told.aal, levels.includes("aal2") ? "aal2" : "aal1", "the level is that of the proofs")
  return { ...told, proofs }
}
