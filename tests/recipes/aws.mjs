// Verifies a token as programs at AWS do: issuer, audience, address of the keys, token.

import { JwtVerifier } from "aws-jwt-verify"

const [issuer, audience, jwksUri, token] = process.argv.slice(2)
const verifier = JwtVerifier.create({ issuer, audience, jwksUri })
// By itself it asks https addresses only, and the server of the test has none.
verifier.cacheJwks(await (await fetch(jwksUri)).json())
console.log(verifier.verifySync(token).sub)
