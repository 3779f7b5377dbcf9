// Ory's own client, unchanged, goes through every flow, as a browser with cookies and as a native client.

import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { after, before, describe, test } from "node:test"

import { Configuration, FrontendApi } from "@ory/client"

import { openMailbox } from "./mailbox.mjs"
import { start } from "./sessera.mjs"

const PASSWORD = "a rather long passphrase"
const OTHER_PASSWORD = "another rather long passphrase"

let server
let mailbox
let frontend

before(async () => {
  mailbox = await openMailbox()
  const on = { enabled: true }
  server = await start({
    courier: { smtp: { connection_uri: mailbox.uri } },
    selfservice: { methods: { totp: on, lookup_secret: on }, flows: { recovery: on, verification: on } },
  })
  frontend = new FrontendApi(new Configuration({ basePath: server.publicUrl }))
})

after(async () => {
  assert.equal(await server.stop(), 0, "SIGTERM ends the server in good order")
  mailbox.close()
})

/** Calls methods of FrontendApi and keeps cookies between them, as a browser does. */
class Browser {
  cookies = new Map()

  async call(method, parameters = {}) {
    const answer = await frontend[method](parameters, {
      headers: { Cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      validateStatus: () => true,
    })
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      if (value) this.cookies.set(name, value)
      else this.cookies.delete(name)
    }
    return answer
  }

  /** Begins a flow, reads it again and submits it. */
  async submit(kind, body, query = {}) {
    const begun = await this.call(`createBrowser${kind}Flow`, query)
    assert.equal(begun.status, 200, JSON.stringify(begun.data))
    return this.go_on(kind, begun.data.id, body)
  }

  /** Submits a flow that is there. */
  async go_on(kind, id, body) {
    const { data } = await this.call(`get${kind}Flow`, { id })
    assert.equal(data.id, id)
    const complete = { csrf_token: field(data, "csrf_token"), ...body }
    return this.call(`update${kind}Flow`, { flow: id, [`update${kind}FlowBody`]: complete })
  }

  async whoami() {
    const { status, data } = await this.call("toSession")
    return { status, data }
  }
}

/** The value of a field, or the context of a text, in a flow's form. */
function field(flow, name) {
  const node = flow.ui.nodes.find(({ attributes }) => attributes.name === name || attributes.id === name)
  return node?.attributes.value ?? node?.attributes.text?.context
}

/** What an authenticator app shows (RFC 6238). */
function totp(secret, steps = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("")
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps))
  const hash = createHmac("sha1", key).update(counter).digest()
  return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0")
}

describe("a browser", { concurrency: false }, () => {
  const ada = "ada@example.test"
  const browser = new Browser()
  let secret
  let printed

  test("registers and is signed in", async () => {
    const body = { method: "password", password: PASSWORD, traits: { email: ada } }
    const { status, data } = await browser.submit("Registration", body)
    assert.equal(status, 200, JSON.stringify(data))
    assert.equal(data.identity.traits.email, ada)
    assert.equal((await browser.whoami()).data.identity.id, data.identity.id)
  })

  test("verifies its address", async () => {
    await mailbox.code(ada)
    const asked = await browser.submit("Verification", { method: "code", email: ada })
    assert.equal(asked.data.state, "sent_email")
    const code = await mailbox.code(ada)
    const done = await browser.go_on("Verification", asked.data.id, { method: "code", code })
    assert.equal(done.data.state, "passed_challenge")
    assert.equal((await browser.whoami()).data.identity.verifiable_addresses[0].verified, true)
  })

  test("signs out and in", async () => {
    const { data } = await browser.call("createBrowserLogoutFlow")
    assert.ok(data.logout_url.includes(data.logout_token))
    assert.equal((await browser.call("updateLogoutFlow", { token: data.logout_token })).status, 204)
    assert.equal((await browser.whoami()).status, 401)
    const wrong = await browser.submit("Login", { method: "password", identifier: ada, password: "wrong passphrase" })
    assert.equal(wrong.status, 400)
    assert.equal(wrong.data.ui.messages[0].id, 4000006)
    const right = await browser.submit("Login", { method: "password", identifier: ada, password: PASSWORD })
    assert.equal(right.status, 200, JSON.stringify(right.data))
    assert.equal((await browser.whoami()).status, 200)
  })

  test("changes its profile and its password", async () => {
    const traits = { email: ada, name: { first: "Ada", last: "Lovelace" } }
    const profile = await browser.submit("Settings", { method: "profile", traits })
    assert.equal(profile.data.state, "success", JSON.stringify(profile.data))
    assert.deepEqual((await browser.whoami()).data.identity.traits, traits)
    const password = await browser.submit("Settings", { method: "password", password: OTHER_PASSWORD })
    assert.equal(password.data.state, "success", JSON.stringify(password.data))
  })

  test("sets up an authenticator app and printed codes", async () => {
    const begun = await browser.call("createBrowserSettingsFlow")
    secret = field(begun.data, "totp_secret_key").secret
    const linked = await browser.go_on("Settings", begun.data.id, { method: "totp", totp_code: totp(secret) })
    assert.equal(linked.data.state, "success", JSON.stringify(linked.data))
    const made = await browser.submit("Settings", { method: "lookup_secret", lookup_secret_regenerate: true })
    printed = field(made.data, "lookup_secret_codes").secrets.map(({ context }) => context.secret)
    assert.equal(printed.length, 12)
    const confirmed = await browser.go_on("Settings", made.data.id, {
      method: "lookup_secret",
      lookup_secret_confirm: true,
    })
    assert.equal(confirmed.data.state, "success", JSON.stringify(confirmed.data))
    assert.equal((await browser.whoami()).data.authenticator_assurance_level, "aal2")
  })

  test("gives its second factor, and each code once", async () => {
    const other = new Browser()
    const half = await other.submit("Login", { method: "password", identifier: ada, password: OTHER_PASSWORD })
    const refused = await other.whoami()
    assert.deepEqual([half.status, refused.status, refused.data.error.id], [422, 403, "session_aal2_required"])
    const app = await other.submit("Login", { method: "totp", totp_code: totp(secret, 1) }, { aal: "aal2" })
    assert.equal(app.status, 200, JSON.stringify(app.data))
    assert.equal((await other.whoami()).data.authenticator_assurance_level, "aal2")

    const third = new Browser()
    await third.submit("Login", { method: "password", identifier: ada, password: OTHER_PASSWORD })
    const attempt = { method: "lookup_secret", lookup_secret: printed[0] }
    assert.equal((await third.submit("Login", attempt, { aal: "aal2" })).status, 200)
    const again = await third.submit("Login", attempt, { aal: "aal2", refresh: true })
    assert.equal(again.data.ui.messages[0].id, 4000012)
  })

  test("lists and ends its other sessions", async () => {
    const { data } = await browser.call("listMySessions")
    assert.equal(data.length, 2)
    assert.equal((await browser.call("disableMySession", { id: data[0].id })).status, 204)
    assert.ok((await browser.call("disableMyOtherSessions")).data.count >= 1)
    assert.deepEqual((await browser.call("listMySessions")).data, [])
    assert.equal((await browser.whoami()).status, 200)
  })

  test("gives both factors up", async () => {
    const unlinked = await browser.submit("Settings", { method: "totp", totp_unlink: true })
    assert.equal(unlinked.data.state, "success", JSON.stringify(unlinked.data))
    const disabled = await browser.submit("Settings", { method: "lookup_secret", lookup_secret_disable: true })
    assert.equal(disabled.data.state, "success", JSON.stringify(disabled.data))
  })

  test("recovers its account", async () => {
    const lost = new Browser()
    const asked = await lost.submit("Recovery", { method: "code", email: ada })
    assert.equal(asked.data.state, "sent_email")
    const code = await mailbox.code(ada)
    const done = await lost.go_on("Recovery", asked.data.id, { method: "code", code })
    assert.equal(done.status, 422)
    assert.equal(done.data.error.id, "browser_location_change_required")
    const id = new URL(done.data.redirect_browser_to).searchParams.get("flow")
    const settings = await lost.go_on("Settings", id, { method: "password", password: PASSWORD })
    assert.equal(settings.data.state, "success", JSON.stringify(settings.data))
    const login = await new Browser().submit("Login", { method: "password", identifier: ada, password: PASSWORD })
    assert.equal(login.status, 200)
  })

  test("is told of errors that are not there", async () => {
    const id = "00000000-0000-4000-8000-000000000000"
    assert.equal((await browser.call("getFlowError", { id })).status, 404)
    assert.equal((await browser.call("getLoginFlow", { id })).status, 404)
  })
})

describe("a native client", { concurrency: false }, () => {
  const bob = "bob@example.test"
  let xSessionToken

  /** Begins a flow and submits it. */
  async function submit(kind, body, begin = {}) {
    const { data } = await frontend[`createNative${kind}Flow`](begin)
    return go_on(kind, data.id, body)
  }

  /** Submits a flow that is there. */
  async function go_on(kind, flow, body) {
    const parameters = { flow, [`update${kind}FlowBody`]: body, xSessionToken }
    return frontend[`update${kind}Flow`](parameters, { validateStatus: () => true })
  }

  test("registers, signs in and out", async () => {
    const body = { method: "password", password: PASSWORD, traits: { email: bob } }
    const registered = await submit("Registration", body)
    assert.equal(registered.status, 200, JSON.stringify(registered.data))
    const native = { method: "password", identifier: bob, password: PASSWORD }
    const first = (await submit("Login", native)).data.session_token
    const gone = await frontend.performNativeLogout({ performNativeLogoutBody: { session_token: first } })
    assert.equal(gone.status, 204)
    xSessionToken = (await submit("Login", native)).data.session_token
    const { data } = await frontend.toSession({ xSessionToken })
    assert.equal(data.identity.traits.email, bob)
  })

  test("sets up a second factor, gives it and keeps its token", async () => {
    const begun = (await frontend.createNativeSettingsFlow({ xSessionToken })).data
    const secret = field(begun, "totp_secret_key").secret
    const linked = await go_on("Settings", begun.id, { method: "totp", totp_code: totp(secret) })
    assert.equal(linked.data.state, "success", JSON.stringify(linked.data))
    const mine = xSessionToken
    xSessionToken = undefined
    xSessionToken = (await submit("Login", { method: "password", identifier: bob, password: PASSWORD })).data
      .session_token
    const begin = { aal: "aal2", xSessionToken }
    const stepped = await submit("Login", { method: "totp", totp_code: totp(secret, 1) }, begin)
    assert.equal(stepped.data.session_token, xSessionToken, JSON.stringify(stepped.data))
    assert.equal(stepped.data.session.authenticator_assurance_level, "aal2")
    const settings = await submit("Settings", { method: "totp", totp_unlink: true }, { xSessionToken })
    assert.equal(settings.data.state, "success", JSON.stringify(settings.data))
    assert.equal((await frontend.toSession({ xSessionToken: mine })).status, 200)
  })

  test("verifies its address and recovers its account", async () => {
    xSessionToken = undefined
    await mailbox.code(bob)
    const asked = await submit("Verification", { method: "code", email: bob })
    const code = await mailbox.code(bob)
    const verified = await go_on("Verification", asked.data.id, { method: "code", code })
    assert.equal(verified.data.state, "passed_challenge", JSON.stringify(verified.data))

    const lost = await submit("Recovery", { method: "code", email: bob })
    const recovery = await mailbox.code(bob)
    const done = await go_on("Recovery", lost.data.id, { method: "code", code: recovery })
    assert.equal(done.status, 422)
    const steps = Object.fromEntries(done.data.continue_with.map((step) => [step.action, step]))
    xSessionToken = steps.set_ory_session_token.ory_session_token
    const { flow } = steps.show_settings_ui
    assert.equal((await frontend.getSettingsFlow({ id: flow.id, xSessionToken })).status, 200)
    const changed = await go_on("Settings", flow.id, { method: "password", password: OTHER_PASSWORD })
    assert.equal(changed.data.state, "success", JSON.stringify(changed.data))
  })
})
