// A verifier made of jose that keeps the published keys for exactly as long as it may. See README.md.

import { createInterface } from "node:readline"

import { createLocalJWKSet, errors, jwtVerify } from "jose"

const [issuer, ...addresses] = process.argv.slice(2)

let keys
let keptUntil = 0

/** The published keys; fetched only when the copy at hand is older than its max-age. */
async function published() {
  if (Date.now() < keptUntil) return keys
  let unsure
  for (const address of addresses) {
    const asked = Date.now()
    const answer = await fetch(address, { signal: AbortSignal.timeout(60_000) }).catch(() => null)
    if (answer?.status !== 200) continue
    const found = createLocalJWKSet(await answer.json())
    const [, seconds] = /max-age=(\d+)/.exec(answer.headers.get("cache-control"))
    if (seconds > 0) {
      keys = found
      keptUntil = asked + seconds * 1000
      return keys
    }
    unsure ??= found
  }
  if (!unsure) throw new Error("no node publishes its keys")
  return unsure
}

async function verify({ token, sub }) {
  try {
    const known = await published()
    await jwtVerify(token, known, { issuer, subject: sub, algorithms: ["ES256"], requiredClaims: ["exp"], clockTolerance: 0 })
    return { outcome: "good" }
  } catch (error) {
    return { outcome: error instanceof errors.JWTExpired ? "ended" : "failed", why: `${error}` }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line)
  process.stdout.write(JSON.stringify({ id: task.id, ...(await verify(task)) }) + "\n")
}
