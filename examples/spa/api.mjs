// The third server: it knows the public key set and nothing else, and asks nobody.

import { createLocalJWKSet, jwtVerify } from "jose"

/** Answers who bears a good token with a greeting, all others with 401. `keySet` is a public JWK set. */
export function api(keySet, issuer) {
  const keys = createLocalJWKSet(keySet)
  return async (request, response) => {
    // Pages of any origin may ask: what counts is the token, and no cookie comes along.
    response.setHeader("Access-Control-Allow-Origin", "*")
    response.setHeader("Access-Control-Allow-Headers", "Authorization")
    if (request.method === "OPTIONS") {
      response.writeHead(204).end()
      return
    }
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? ""
    try {
      const { payload } = await jwtVerify(token, keys, { issuer, typ: "JWT" })
      response.end(`Hello ${payload.sub}, your session is ${payload.sid}.`)
    } catch (error) {
      response.writeHead(401, { "WWW-Authenticate": "Bearer" }).end(`No: ${error.message}`)
    }
  }
}
