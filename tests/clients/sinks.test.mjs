// Receivers of events verify what they get with libraries that are not ours.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import { text } from "node:stream/consumers"
import { after, before, describe, test } from "node:test"
import { fileURLToPath } from "node:url"

import { createRemoteJWKSet, jwtVerify } from "jose"
import { Webhook } from "standardwebhooks"

import { start } from "./sessera.mjs"

const SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_bmV4dCBzZWNyZXQgb2YgdGhlIHJlY2VpdmVyIQ=="]
const AUDIENCE = "https://api.example.org"
const AUTHORIZATION = "Bearer a token that the partner gave"
const CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
const RISC = "https://schemas.openid.net/secevent/risc/event-type/"
const PASSWORD = "a rather long passphrase"

let listener
let server
let keys
let received = []
let arrived = () => {}
let status = 204

before(async () => {
  listener = createServer(async (request, answer) => {
    received.push({ path: request.url, headers: request.headers, body: await text(request), status })
    answer.writeHead(status).end()
    arrived()
  })
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve))
  const url = `http://127.0.0.1:${listener.address().port}`
  server = await start()
  assert.equal((await server.run("create", "jwk", "api", "--alg", "ES256")).code, 0)
  const sinks = {
    webhook: { url: `${url}/webhook`, secret: SECRETS },
    partner: { kind: "security_event_token", url: `${url}/partner`, template: "api", authorization: AUTHORIZATION },
    app: { kind: "back_channel_logout", url: `${url}/app`, template: "api" },
  }
  const template = { jwks_url: "set://api", audience: AUDIENCE }
  for (const [path, value] of Object.entries({
    "/session/whoami/tokenizer/templates/api": template,
    "/events": { sinks },
  })) {
    const added = await server.run("patch", "identity-config", "--add", `${path}=${JSON.stringify(value)}`)
    assert.equal(added.code, 0, added.stderr)
  }
  keys = createRemoteJWKSet(new URL(`${server.publicUrl}/.well-known/jwks/api.json`))
})

after(async () => {
  assert.equal(await server.stop(), 0)
  listener.closeAllConnections()
  listener.close()
})

/** The messages at a path as soon as one of them is what is waited for. */
async function until(path, isWanted) {
  for (;;) {
    const messages = received.filter((message) => message.path === path && message.status < 300)
    if (messages.some(isWanted)) return messages
    await new Promise((resolve) => (arrived = resolve))
  }
}

const admin = async (method, path, body) => {
  const answer = await fetch(`${server.adminUrl}${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  })
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
  return answer.status === 204 ? null : answer.json()
}

const person = (email) =>
  admin("POST", "/admin/identities", {
    traits: { email },
    credentials: { password: { config: { password: PASSWORD } } },
  })

/** The claims of a token as they stand there. */
const decoded = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"))

/** Signs somebody in as an app does: the id of the person and the session. */
async function signedIn(email) {
  await person(email)
  const flow = await (await fetch(`${server.publicUrl}/self-service/login/api`)).json()
  const answer = await fetch(flow.ui.action, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ method: "password", identifier: email, password: PASSWORD }),
  })
  const { session } = await answer.json()
  return { sub: session.identity.id, sid: session.id }
}

/** The claims of a token that jose has verified. */
const verified = async (token, typ) =>
  (await jwtVerify(token, keys, { issuer: `${server.publicUrl}/`, audience: AUDIENCE, typ, algorithms: ["ES256"] })).payload

/** What the library for Python says of a message. */
async function inPython({ headers, body }, secret) {
  const program = fileURLToPath(new URL("webhook.py", import.meta.url))
  const child = spawn(process.env.PYTHON ?? "python3", [program, secret])
  child.stdin.end(`${JSON.stringify(headers)}\n${body}`)
  const said = text(child.stdout)
  const [code] = await once(child, "exit")
  return code === 0 ? JSON.parse(await said) : null
}

describe("a webhook", () => {
  test("is verified by the libraries of Standard Webhooks, with each of its secrets", async () => {
    const { id } = await person("ada@example.test")
    const messages = await until("/webhook", ({ body }) => body.includes(id))
    const message = messages.find(({ body }) => body.includes(id))
    for (const secret of SECRETS) {
      const verified = new Webhook(secret).verify(message.body, message.headers)
      assert.equal(verified.type, "identity_added")
      assert.equal(verified.data.about.identity_id, id)
      assert.deepEqual(await inPython(message, secret), verified)
    }
    const changed = { ...message, body: message.body.replace("identity_added", "identity_deleted") }
    assert.throws(() => new Webhook(SECRETS[0]).verify(changed.body, changed.headers))
    assert.equal(await inPython(changed, SECRETS[0]), null)
    assert.throws(() => new Webhook("whsec_YW5vdGhlciBzZWNyZXQgYWx0b2dldGhlcg==").verify(message.body, message.headers))
  })

  test("that was answered with 500 comes again with the same id", async () => {
    status = 500
    const { id } = await person("bob@example.test")
    const refused = () => received.find(({ body, status }) => status === 500 && body.includes(id))
    while (!refused()) await new Promise((resolve) => (arrived = resolve))
    status = 204
    const messages = await until("/webhook", ({ body }) => body.includes(id))
    const taken = messages.find(({ body }) => body.includes(id))
    assert.equal(taken.headers["webhook-id"], refused().headers["webhook-id"])
    assert.equal(new Webhook(SECRETS[0]).verify(taken.body, taken.headers).type, "identity_added")
  })
})

describe("a security event token", () => {
  test("tells of the end of a session and of a person", async () => {
    const { sub, sid } = await signedIn("cleo@example.test")
    await admin("DELETE", `/admin/sessions/${sid}`)
    await admin("DELETE", `/admin/identities/${sub}`)
    const messages = await until("/partner", ({ body }) => decoded(body).events[`${RISC}account-purged`])
    for (const { headers } of messages) {
      assert.equal(headers["content-type"], "application/secevent+jwt")
      assert.equal(headers.authorization, AUTHORIZATION)
    }
    const tokens = await Promise.all(messages.map(({ body }) => verified(body, "secevent+jwt")))
    const user = { format: "iss_sub", iss: `${server.publicUrl}/`, sub }
    assert.deepEqual(
      tokens.map(({ sub_id, events }) => ({ sub_id, events: Object.keys(events) })),
      [
        {
          sub_id: { format: "complex", user, session: { format: "opaque", id: sid } },
          events: [`${CAEP}session-revoked`],
        },
        { sub_id: user, events: [`${RISC}account-purged`] },
      ],
    )
    assert.equal(new Set(tokens.map(({ jti }) => jti)).size, 2)
  })
})

describe("back-channel logout", () => {
  test("ends the session of a token, and all of a person who is deleted", async () => {
    const { sub, sid } = await signedIn("dora@example.test")
    await admin("DELETE", `/admin/sessions/${sid}`)
    await admin("DELETE", `/admin/identities/${sub}`)
    const of = (body) => decoded(new URLSearchParams(body).get("logout_token"))
    const all = await until("/app", ({ body }) => of(body).sub === sub && !of(body).sid)
    const mine = all.filter(({ body }) => of(body).sub === sub)
    assert.equal(mine[0].headers["content-type"], "application/x-www-form-urlencoded")
    const tokens = await Promise.all(
      mine.map(({ body }) => verified(new URLSearchParams(body).get("logout_token"), "logout+jwt")),
    )
    assert.deepEqual(tokens.map(({ sid }) => sid), [sid, undefined])
    for (const claims of tokens) {
      assert.deepEqual(claims.events, { "http://schemas.openid.net/event/backchannel-logout": {} })
      assert.equal(claims.nonce, undefined)
      assert.ok(claims.exp - claims.iat <= 120)
    }
  })
})
