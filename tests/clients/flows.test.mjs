// Ory's own client, unchanged, goes through every flow, as a browser with cookies and as a native client.

import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"

import { openMailbox } from "./mailbox.mjs"
import { App, Browser, field, totp } from "./sdk.mjs"
import { start } from "./sessera.mjs"

const PASSWORD = "a rather long passphrase"
const OTHER_PASSWORD = "another rather long passphrase"

let server
let mailbox

before(async () => {
  mailbox = await openMailbox()
  const on = { enabled: true }
  server = await start({
    courier: { smtp: { connection_uri: mailbox.uri } },
    selfservice: { methods: { totp: on, lookup_secret: on }, flows: { recovery: on, verification: on } },
  })
})

after(async () => {
  assert.equal(await server.stop(), 0, "SIGTERM ends the server in good order")
  mailbox.close()
})

describe("a browser", { concurrency: false }, () => {
  const ada = "ada@example.test"
  let browser
  let secret
  let printed

  before(() => {
    browser = new Browser(server)
  })

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
    const other = new Browser(server)
    const half = await other.submit("Login", { method: "password", identifier: ada, password: OTHER_PASSWORD })
    const refused = await other.whoami()
    assert.deepEqual([half.status, refused.status, refused.data.error.id], [422, 403, "session_aal2_required"])
    const app = await other.submit("Login", { method: "totp", totp_code: totp(secret, 1) }, { aal: "aal2" })
    assert.equal(app.status, 200, JSON.stringify(app.data))
    assert.equal((await other.whoami()).data.authenticator_assurance_level, "aal2")

    const third = new Browser(server)
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
    const lost = new Browser(server)
    const asked = await lost.submit("Recovery", { method: "code", email: ada })
    assert.equal(asked.data.state, "sent_email")
    const code = await mailbox.code(ada)
    const done = await lost.go_on("Recovery", asked.data.id, { method: "code", code })
    assert.equal(done.status, 422)
    assert.equal(done.data.error.id, "browser_location_change_required")
    const id = new URL(done.data.redirect_browser_to).searchParams.get("flow")
    const settings = await lost.go_on("Settings", id, { method: "password", password: PASSWORD })
    assert.equal(settings.data.state, "success", JSON.stringify(settings.data))
    const login = await new Browser(server).submit("Login", { method: "password", identifier: ada, password: PASSWORD })
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
  const byPassword = { method: "password", identifier: bob, password: PASSWORD }

  test("registers, signs in and out", async () => {
    const app = new App(server)
    const body = { method: "password", password: PASSWORD, traits: { email: bob } }
    const registered = await app.submit("Registration", body)
    assert.equal(registered.status, 200, JSON.stringify(registered.data))
    app.token = undefined
    const first = (await app.submit("Login", byPassword)).data.session_token
    const gone = await app.frontend.performNativeLogout({ performNativeLogoutBody: { session_token: first } })
    assert.equal(gone.status, 204)
    app.token = undefined
    await app.submit("Login", byPassword)
    assert.notEqual(app.token, first)
    assert.equal((await app.whoami()).data.identity.traits.email, bob)
  })

  test("sets up a second factor, gives it and keeps its token", async () => {
    const [first, app] = [new App(server), new App(server)]
    await first.submit("Login", byPassword)
    const begun = await first.begin("Settings")
    const secret = field(begun, "totp_secret_key").secret
    const linked = await first.go_on("Settings", begun.id, { method: "totp", totp_code: totp(secret) })
    assert.equal(linked.data.state, "success", JSON.stringify(linked.data))
    const half = (await app.submit("Login", byPassword)).data.session_token
    const stepped = await app.submit("Login", { method: "totp", totp_code: totp(secret, 1) }, { aal: "aal2" })
    assert.equal(stepped.data.session_token, half, JSON.stringify(stepped.data))
    assert.equal(stepped.data.session.authenticator_assurance_level, "aal2")
    const settings = await app.submit("Settings", { method: "totp", totp_unlink: true })
    assert.equal(settings.data.state, "success", JSON.stringify(settings.data))
    assert.equal((await first.whoami()).status, 200)
  })

  test("verifies its address and recovers its account", async () => {
    const app = new App(server)
    await mailbox.code(bob)
    const asked = await app.submit("Verification", { method: "code", email: bob })
    const code = await mailbox.code(bob)
    const verified = await app.go_on("Verification", asked.data.id, { method: "code", code })
    assert.equal(verified.data.state, "passed_challenge", JSON.stringify(verified.data))

    const lost = await app.submit("Recovery", { method: "code", email: bob })
    const recovery = await mailbox.code(bob)
    const done = await app.go_on("Recovery", lost.data.id, { method: "code", code: recovery })
    assert.equal(done.status, 422)
    const { flow } = done.data.continue_with.find(({ action }) => action === "show_settings_ui")
    const read = await app.frontend.getSettingsFlow({ id: flow.id, xSessionToken: app.token })
    assert.equal(read.status, 200)
    const changed = await app.go_on("Settings", flow.id, { method: "password", password: OTHER_PASSWORD })
    assert.equal(changed.data.state, "success", JSON.stringify(changed.data))
  })
})
