// The table that all libraries share, with a server and a clock that do what it says.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { describe, test } from "node:test"

import { RefusedError, SessionGoneError, TokenHolder, UnavailableError, Verifier } from "../src/index.js"
import { Follower } from "../src/events.js"

const table = JSON.parse(readFileSync(new URL("../../conformance/conformance.json", import.meta.url), "utf8"))
const { status_list: _, ...usual } = table.settings

function outcome(error) {
  if (error instanceof RefusedError) return "refused"
  if (error instanceof UnavailableError) return "unavailable"
  if (error instanceof SessionGoneError) return "gone"
  throw error
}

/** The word for an error, whose reason has a text in it and no token. */
function judged(error, { says = "", token = "" }) {
  assert.ok(error.message.includes(says), error.message)
  assert.ok(token.length < 20 || !error.message.includes(token), error.message)
  return outcome(error)
}

function response({ status, cache_control: cacheControl, body }) {
  return new Response(status === 204 ? null : body, { status, headers: cacheControl ? { "cache-control": cacheControl } : {} })
}

describe("verifying", () => {
  for (const row of table.verify) {
    test(row.name, async () => {
      const { status_list: statusList, ...settings } = { ...table.settings, ...row.settings }
      let now, asks, answers
      const fetch = async (address) => {
        asks.push(address)
        const answer = answers[address]
        // Whoever asks at the same time does so before there is an answer.
        await new Promise(setImmediate)
        now += answer?.takes ?? 0
        if (!answer?.status) throw new TypeError("fetch failed")
        return response({ ...answer, body: table.bodies[answer.body] })
      }
      const verifier = new Verifier({ ...settings, statusList, fetch, now: () => now })
      for (const step of row.steps) {
        ;[now, asks, answers] = [step.at, [], { ...table.answers, ...row.answers, ...step.answers }]
        const given = Array.from({ length: step.at_once ?? 1 }, () => verifier.verify(step.token).then(() => "good", (error) => judged(error, step)))
        for (const verdict of await Promise.all(given)) assert.equal(verdict, step.verdict)
        assert.deepEqual(asks, step.asks)
      }
    })
  }
})

test("keys that are still good serve while an unknown one is asked for", async () => {
  const row = table.verify.find(({ name }) => name.startsWith("an unknown key makes"))
  const [known, stranger] = row.steps
  let hang
  const fetch = async (address) => {
    if (hang) await new Promise((resolve) => (hang = resolve))
    const answer = table.answers[address]
    return response({ ...answer, body: table.bodies[answer.body] })
  }
  let now = known.at
  const verifier = new Verifier({ ...usual, fetch, now: () => now })
  await verifier.verify(known.token)
  now = stranger.at
  hang = () => {}
  const waiting = verifier.verify(stranger.token).catch(outcome)
  await verifier.verify(known.token)
  hang()
  assert.equal(await waiting, "refused")
})

test("what is no token is told apart from one that is too long", async () => {
  const verifier = new Verifier(usual)
  const header = (members) => `${Buffer.from(JSON.stringify(members)).toString("base64url")}.e30.AA`
  for (const [token, told] of [
    [undefined, "there is no token"],
    [null, "there is no token"],
    ["", "there is no token"],
    [7, "the token is no text"],
    [Buffer.from("a.b.c"), "the token is no text"],
    ["x".repeat(1 << 20), "the token is too long"],
    [header({ alg: "ES256", typ: "JWT" }), "the token is not good: its header names no key (kid)"],
  ]) {
    await assert.rejects(verifier.verify(token), { name: "RefusedError", message: told })
  }
  assert.equal(new UnavailableError("x").name, "UnavailableError")
  assert.equal(String(new SessionGoneError("x")), "SessionGoneError: x")
})

test("settings that are misspelt or missing are named", () => {
  const names = { issuer: "https://id.example.org/", audience: "https://api.example.org" }
  const follower = { admin: "https://admin.example.org/", token: "token", longest: 600 }
  const holder = { server: "https://id.example.org/", template: "api" }
  for (const [Kind, settings, told] of [
    [Verifier, { ...names, algoritms: ["RS256"] }, /has no setting "algoritms"; it has issuer, audience, algorithms/],
    [Verifier, { ...names, toString: 1 }, /has no setting "toString"/],
    [Verifier, { issuer: names.issuer }, /needs the setting "audience"/],
    [Verifier, undefined, /needs the setting "issuer"/],
    [Follower, { ...follower, longst: 600 }, /has no setting "longst"/],
    [Follower, { ...follower, admin: undefined }, /needs the setting "admin"/],
    ...[undefined, null, "10m", "600", 0, -1, NaN, Infinity].map((longest) => [Follower, { ...follower, longest }, /"longest"/]),
    [TokenHolder, { ...holder, session_token: "x" }, /has no setting "session_token"/],
    [TokenHolder, { server: holder.server }, /needs the setting "template"/],
  ]) {
    assert.throws(() => new Kind(settings), { name: "TypeError", message: told })
  }
  new Verifier({ ...names, leeway: undefined, fetch: undefined })
})

describe("holding", () => {
  const RESOURCE = "https://api.example.org/"

  for (const row of table.hold) {
    test(row.name, async () => {
      let now, server, resource, sent
      const fetch = async (address, init) => {
        if (address === RESOURCE) {
          sent.push(new Headers(init.headers).get("authorization").replace("Bearer ", ""))
          return response({ status: resource.shift() })
        }
        assert.equal(new Headers(init.headers).get("x-session-token"), "session")
        assert.ok(server.length > 0, "a question too many")
        const answer = server.shift()
        now += answer?.takes ?? 0
        if (!answer?.status) throw new TypeError("fetch failed")
        return response(answer)
      }
      const settings = { server: table.settings.issuer, template: "api", sessionToken: "session" }
      const holder = new TokenHolder({ ...settings, fetch, elapsed: () => now })
      for (const step of row.steps) {
        ;[now, server, resource, sent] = [step.after, [...step.server], [...(step.resource ?? [])], []]
        if (step.do === "request") {
          const gives = await holder.fetch(RESOURCE).then((answer) => answer.status, outcome)
          assert.deepEqual([gives, sent, resource, server], [step.gives, step.sent, [], []])
          continue
        }
        const asked = Array.from({ length: step.at_once }, () => holder.token().then((token) => ["token", token], (error) => [judged(error, step), undefined]))
        for (const given of await Promise.all(asked)) assert.deepEqual(given, [step.gives, step.token])
        assert.deepEqual(server, [])
      }
    })
  }
})

describe("following", () => {
  for (const row of table.follow) {
    test(row.name, () => {
      let now
      const settings = { admin: "https://admin.example.org/", token: "token", longest: row.longest, after: row.begins_after }
      const follower = new Follower({ ...settings, now: () => now })
      for (const step of row.steps) {
        now = step.at
        if (step.do === "connect") assert.equal(follower.connected(), step.after)
        else if (step.do === "hear") {
          const hear = () => step.texts.forEach((text) => follower.hear(text))
          if (step.is_good) hear()
          else assert.throws(hear)
        } else {
          let verdict = "good"
          try {
            follower.check(step.claims)
          } catch (error) {
            verdict = outcome(error)
          }
          assert.equal(verdict, step.verdict, `at ${now}`)
        }
      }
    })
  }
})

test("a follower of another record begins anew", async () => {
  const stop = new AbortController()
  const settings = { admin: "https://admin.example.org/", token: "token", longest: 600, after: 6, now: () => 1_000_000 }
  const asked = []
  const fetch = async (url, { headers }) => {
    asked.push([url, headers["last-event-id"]])
    return new Response("", { status: 400 })
  }
  const follower = new Follower({ ...settings, fetch, lost: () => stop.abort() })
  const about = { session_id: "s" }
  const entry = { number: 7, at: "1970-01-12T13:46:40Z", action: "session_ended", outcome: "done", about }
  const claims = { sub: "p", sid: "s", iat: 999_900, exp: 1_000_400 }
  follower.hear(`: caught up\n\ndata: ${JSON.stringify(entry)}\n\n`)
  assert.throws(() => follower.check(claims), RefusedError)
  await follower.run(stop.signal)
  assert.deepEqual(asked, [["https://admin.example.org/admin/events?outcome=done", "7"]])
  assert.throws(() => follower.check(claims), UnavailableError)
  assert.equal(follower.connected(), undefined)
  follower.hear(": caught up\n\n")
  follower.check(claims)
})
