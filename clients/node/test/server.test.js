// The library beside a real server, whose address and people the chore "libraries" gives.

import assert from "node:assert/strict"
import { test } from "node:test"

import { RefusedError, SessionGoneError, TokenHolder, Verifier } from "../src/index.js"

const { SESSERA_ISSUER: issuer, SESSERA_SESSION: sessionToken, SESSERA_SUBJECT: subject } = process.env
const skip = !issuer && "SESSERA_ISSUER is not set"

test("a token of a real server", { skip }, async () => {
  const verifier = new Verifier({ issuer, audience: "https://api.example.org", statusList: true })
  const token = await new TokenHolder({ server: issuer, template: "api", sessionToken }).token()
  assert.equal((await verifier.verify(token)).sub, subject)
  const elsewhere = new Verifier({ issuer, audience: "https://elsewhere.example.org" })
  await assert.rejects(elsewhere.verify(token), RefusedError)
  await assert.rejects(new TokenHolder({ server: issuer, template: "api", sessionToken: "x" }).token(), SessionGoneError)
})
