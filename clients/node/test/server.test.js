// The library beside a real server, whose address and people the chore "libraries" gives.

import assert from "node:assert/strict"
import { test } from "node:test"

import { RefusedError, SessionGoneError, TokenHolder, Verifier } from "../src/index.js"
import { Follower } from "../src/events.js"

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

test("a session that ends at a real server", { skip }, async () => {
  const { SESSERA_ADMIN: admin, SESSERA_ADMIN_TOKEN: token, SESSERA_SESSION_TO_END: sessionToken } = process.env
  const follower = new Follower({ admin, token, longest: 600 })
  const stop = new AbortController()
  const followed = follower.run(stop.signal)
  const verifier = new Verifier({ issuer, audience: "https://api.example.org", checks: [follower] })
  const shown = await new TokenHolder({ server: issuer, template: "api", sessionToken }).token()
  const until = async (wanted) => {
    for (const end = Date.now() + 60_000; Date.now() < end; await new Promise(setImmediate)) {
      const verdict = await verifier.verify(shown).then(() => "good", (error) => error.constructor)
      if (verdict === wanted) return
    }
    assert.fail(`not ${wanted}`)
  }
  await until("good")
  const body = JSON.stringify({ session_token: sessionToken })
  const headers = { "content-type": "application/json" }
  assert.equal((await fetch(`${issuer}self-service/logout/api`, { method: "DELETE", headers, body })).status, 204)
  await until(RefusedError)
  stop.abort()
  await followed
})
