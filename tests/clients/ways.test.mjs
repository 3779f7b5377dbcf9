// Ory's own client goes through each way of signing in. After each, the session says how it was proven, and so does the
// token that is made of it.

import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { after, before, describe, test } from "node:test"

import { Authenticator } from "./authenticator.mjs"
import { openMailbox } from "./mailbox.mjs"
import { openProvider } from "./provider.mjs"
import { App, Browser, field, messages, totp } from "./sdk.mjs"
import { start } from "./sessera.mjs"
import { TOKENIZER, makeKey, proven } from "./tokens.mjs"

const PASSWORD = "a rather long passphrase"
const OTHER_PASSWORD = "another rather long passphrase"
// The origin of the pages, to which passkeys belong and to which browsers come back. The server has another address.
const SITE = "http://localhost"

let mailbox
let provider
let server
let factors
let links

/** The identity schema that comes with the program, in which the address is for codes too. */
async function schema() {
  const file = new URL("../../crates/accounts/src/schema/default.schema.json", import.meta.url)
  const document = JSON.parse(await readFile(file, "utf8"))
  const marks = document.properties.traits.properties.email["ory.sh/kratos"]
  marks.credentials.code = { identifier: true, via: "email" }
  return `base64://${Buffer.from(JSON.stringify(document)).toString("base64")}`
}

/** A server on which the methods and flows are on that a part of the tests needs. */
async function serve(methods, flows) {
  const on = { enabled: true }
  const made = await start({
    serve: { public: { base_url: `${SITE}/` } },
    courier: { smtp: { connection_uri: mailbox.uri } },
    hashers: { algorithm: "bcrypt", bcrypt: { cost: 4 } },
    identity: { default_schema_id: "person", schemas: [{ id: "person", url: await schema() }] },
    selfservice: {
      allowed_return_urls: ["https://app.example.test/"],
      methods: { totp: on, lookup_secret: on, ...methods },
      flows,
    },
    session: { whoami: { tokenizer: TOKENIZER } },
  })
  await makeKey(made)
  return made
}

before(async () => {
  mailbox = await openMailbox()
  provider = await openProvider(SITE)
  const on = { enabled: true }
  server = await serve(
    {
      code: { enabled: true, passwordless_enabled: true },
      passkey: on,
      webauthn: on,
      oidc: { enabled: true, config: { providers: [provider.known("panva", { label: "Panva" })] } },
    },
    { recovery: on, verification: on },
  )
  const link = { enabled: true, use: "link" }
  factors = await serve({ code: { enabled: true, mfa_enabled: true } }, { recovery: on, verification: { enabled: false } })
  links = await serve({}, { recovery: link, verification: link })
})

after(async () => {
  for (const one of [server, factors, links]) assert.equal(await one.stop(), 0)
  provider.close()
  mailbox.close()
})

/** A browser at the site. */
const browse = (at = server) => new Browser(at, SITE)

/** What was answered must be well. */
function well(answer, status = 200) {
  assert.equal(answer.status, status, JSON.stringify(answer.data))
  return answer.data
}

/** The session of a client was proven in these ways, each of its level, and its token says so. */
async function proves(client, ...ways) {
  const session = well(await client.whoami({ tokenizeAs: "levels" }))
  const { aal, proofs } = await proven(client.server, session, `${SITE}/`)
  assert.deepEqual(proofs.map((proof) => [proof.method, proof.aal]), ways)
  for (const proof of proofs) assert.ok(Date.parse(proof.completed_at), "it says when")
  assert.equal(aal, ways.some(([, level]) => level === "aal2") ? "aal2" : "aal1")
  return session
}

/** Somebody new, who has a password. */
async function newcomer(name, at = server) {
  const app = new App(at)
  const email = `${name}@example.test`
  well(await app.submit("Registration", { method: "password", password: PASSWORD, traits: { email } }))
  return { app, email, byPassword: { method: "password", identifier: email, password: PASSWORD } }
}

describe("a password", { concurrency: false }, () => {
  let ada

  test("signs up and in", async () => {
    ada = await newcomer("ada")
    await proves(ada.app, ["password", "aal1"])
    ada.app.token = undefined
    well(await ada.app.submit("Login", ada.byPassword))
    await proves(ada.app, ["password", "aal1"])
  })

  test("proves once more who is signed in", async () => {
    well(await ada.app.submit("Login", ada.byPassword, { refresh: true }))
    await proves(ada.app, ["password", "aal1"], ["password", "aal1"])
  })

  test("is changed, and so is the profile, which proves nothing", async () => {
    const traits = { email: ada.email, name: { first: "Ada" } }
    assert.equal(well(await ada.app.submit("Settings", { method: "profile", traits })).state, "success")
    assert.equal(well(await ada.app.submit("Settings", { method: "password", password: OTHER_PASSWORD })).state, "success")
    const session = await proves(ada.app, ["password", "aal1"], ["password", "aal1"])
    assert.deepEqual(session.identity.traits, traits)
    const other = new App(server)
    assert.deepEqual(messages((await other.submit("Login", ada.byPassword)).data), [4000006])
    well(await other.submit("Login", { ...ada.byPassword, password: OTHER_PASSWORD }))
  })
})

describe("a code by mail", { concurrency: false }, () => {
  const email = "code@example.test"

  test("signs up", async () => {
    for (const client of [new App(server), browse()]) {
      const mail = client instanceof App ? email : "code-browser@example.test"
      const form = { method: "code", traits: { email: mail } }
      const { id } = await client.begin("Registration")
      const sent = well(await client.go_on("Registration", id, form), 400)
      assert.equal(sent.state, "sent_email")
      const wrong = well(await client.go_on("Registration", id, { ...form, code: "000000" }), 400)
      assert.deepEqual(messages(wrong), [4040003])
      well(await client.go_on("Registration", id, { ...form, code: await mailbox.code(mail) }))
      const session = await proves(client, ["code", "aal1"])
      assert.equal(session.identity.verifiable_addresses[0].verified, true)
    }
  })

  test("signs in", async () => {
    for (const client of [new App(server), browse()]) {
      const form = { method: "code", identifier: email }
      const { id } = await client.begin("Login")
      assert.equal(well(await client.go_on("Login", id, form), 400).state, "sent_email")
      well(await client.go_on("Login", id, { ...form, code: await mailbox.code(email) }))
      await proves(client, ["code", "aal1"])
    }
  })

  test("recovers an account, and proves an address", async () => {
    const { email, app } = await newcomer("forgetful")
    await mailbox.code(email)
    const { id } = well(await app.submit("Verification", { method: "code", email }))
    const code = await mailbox.code(email)
    assert.equal(well(await app.go_on("Verification", id, { method: "code", code })).state, "passed_challenge")
    const session = await proves(app, ["password", "aal1"])
    assert.equal(session.identity.verifiable_addresses[0].verified, true)
    for (const lost of [new App(server), browse()]) {
      const { id } = well(await lost.submit("Recovery", { method: "code", email }))
      well(await lost.go_on("Recovery", id, { method: "code", code: await mailbox.code(email) }), 422)
      await proves(lost, ["code_recovery", "aal1"])
    }
  })

  test("is a second factor", async () => {
    const { email, byPassword } = await newcomer("second", factors)
    const app = new App(factors)
    well(await app.submit("Login", byPassword))
    const { id } = await app.begin("Login", { aal: "aal2" })
    const code = await mailbox.code(email)
    well(await app.go_on("Login", id, { method: "code", address: email, code }))
    await proves(app, ["password", "aal1"], ["code", "aal2"])
  })
})

describe("a link by mail", { concurrency: false }, () => {
  test("proves an address", async () => {
    const { email, app } = await newcomer("link-verification", links)
    await mailbox.link(email)
    assert.equal(well(await app.submit("Verification", { method: "link", email })).state, "sent_email")
    const opened = await browse(links).fetch(await mailbox.link(email))
    assert.equal(opened.status, 303, await opened.text())
    const { data } = await app.whoami()
    assert.equal(data.identity.verifiable_addresses[0].verified, true)
  })

  test("recovers an account, once", async () => {
    const { email } = await newcomer("link-recovery", links)
    await mailbox.link(email)
    for (const client of [new App(links), browse(links)]) {
      assert.equal(well(await client.submit("Recovery", { method: "link", email })).state, "sent_email")
      const link = await mailbox.link(email)
      const opener = browse(links)
      const opened = await opener.fetch(link)
      assert.equal(opened.status, 303)
      await proves(opener, ["link_recovery", "aal1"])
      const settings = new URL(opened.headers.get("location")).searchParams.get("flow")
      const password = client instanceof App ? OTHER_PASSWORD : `${OTHER_PASSWORD} again`
      const changed = well(await opener.go_on("Settings", settings, { method: "password", password }))
      assert.equal(changed.state, "success")
      const late = browse(links)
      await late.fetch(link)
      assert.equal((await late.whoami()).status, 401)
    }
  })
})

describe("an authenticator app and printed codes", { concurrency: false }, () => {
  test("are second factors, in an app and in a browser", async () => {
    for (const [name, client] of [["totp-app", () => new App(server)], ["totp-browser", browse]]) {
      const { byPassword } = await newcomer(name)
      const first = client()
      well(await first.submit("Login", byPassword))
      const begun = await first.begin("Settings")
      const secret = field(begun, "totp_secret_key").secret
      const linked = await first.go_on("Settings", begun.id, { method: "totp", totp_code: totp(secret) })
      assert.equal(well(linked).state, "success")
      await proves(first, ["password", "aal1"], ["totp", "aal2"])

      const made = well(await first.submit("Settings", { method: "lookup_secret", lookup_secret_regenerate: true }))
      const [printed] = field(made, "lookup_secret_codes").secrets.map(({ context }) => context.secret)
      const kept = { method: "lookup_secret", lookup_secret_confirm: true }
      assert.equal(well(await first.go_on("Settings", made.id, kept)).state, "success")

      for (const [way, form] of [
        ["totp", { method: "totp", totp_code: totp(secret, 1) }],
        ["lookup_secret", { method: "lookup_secret", lookup_secret: printed }],
      ]) {
        const next = client()
        well(await next.submit("Login", byPassword), next instanceof App ? 200 : 422)
        assert.equal((await next.whoami({ tokenizeAs: "levels" })).status, 403, "one factor is not enough")
        well(await next.submit("Login", form, { aal: "aal2" }))
        await proves(next, ["password", "aal1"], [way, "aal2"])
      }
    }
  })
})

describe("passkeys and security keys", { concurrency: false }, () => {
  const asked = (flow, name) => JSON.parse(field(flow, name))
  const passkey = new Authenticator(SITE)
  const traits = { email: "passkey@example.test" }

  test("a passkey signs up", async () => {
    const browser = browse()
    const { id } = await browser.begin("Registration")
    const choosing = well(await browser.go_on("Registration", id, { method: "profile", traits }), 400)
    const passkey_register = passkey.create(asked(choosing, "passkey_create_data").credentialOptions)
    well(await browser.go_on("Registration", id, { method: "passkey", traits, passkey_register }))
    await proves(browser, ["passkey", "aal1"])
  })

  test("it signs in, in a browser and in an app", async () => {
    for (const client of [browse(), new App(server)]) {
      const flow = await client.begin("Login")
      const passkey_login = passkey.get(asked(flow, "passkey_challenge"))
      well(await client.go_on("Login", flow.id, { method: "passkey", passkey_login }))
      const session = await proves(client, ["passkey", "aal1"])
      assert.deepEqual(session.identity.traits, traits)
    }
  })

  test("another one does not", async () => {
    const client = new App(server)
    const flow = await client.begin("Login")
    const passkey_login = new Authenticator(SITE).get(asked(flow, "passkey_challenge"))
    assert.equal((await client.go_on("Login", flow.id, { method: "passkey", passkey_login })).status, 400)
    assert.equal(client.token, undefined)
  })

  test("one is added beside a password, and removed", async () => {
    const { byPassword } = await newcomer("passkey-beside")
    const browser = browse()
    well(await browser.submit("Login", byPassword))
    const own = new Authenticator(SITE)
    const flow = await browser.begin("Settings")
    const passkey_settings_register = own.create(asked(flow, "passkey_create_data"))
    const added = well(await browser.go_on("Settings", flow.id, { method: "passkey", passkey_settings_register }))
    assert.equal(added.state, "success")
    const other = browse()
    const login = await other.begin("Login")
    const passkey_login = own.get(asked(login, "passkey_challenge"))
    well(await other.go_on("Login", login.id, { method: "passkey", passkey_login }))
    await proves(other, ["passkey", "aal1"])
    const removed = await browser.submit("Settings", { method: "passkey", passkey_remove: field(added, "passkey_remove") })
    assert.equal(well(removed).state, "success")
  })

  test("a security key is a second factor", async () => {
    const { byPassword } = await newcomer("webauthn")
    const key = new Authenticator(SITE)
    const browser = browse()
    well(await browser.submit("Login", byPassword))
    const flow = await browser.begin("Settings")
    const webauthn_register = key.create(asked(flow, "webauthn_register_trigger"))
    const form = { method: "webauthn", webauthn_register, webauthn_register_displayname: "Blue" }
    assert.equal(well(await browser.go_on("Settings", flow.id, form)).state, "success")
    await proves(browser, ["password", "aal1"], ["webauthn", "aal2"])

    const next = browse()
    well(await next.submit("Login", byPassword), 422)
    const second = await next.begin("Login", { aal: "aal2" })
    const webauthn_login = key.get(asked(second, "webauthn_login_trigger"))
    const identifier = byPassword.identifier
    well(await next.go_on("Login", second.id, { method: "webauthn", identifier, webauthn_login }))
    await proves(next, ["password", "aal1"], ["webauthn", "aal2"])
  })
})

describe("a provider", { concurrency: false }, () => {
  const choose = { method: "oidc", provider: "panva" }

  /** Leaves for the provider from a flow and comes back: where the browser is led then. */
  async function trip(browser, left, login) {
    const back = await browser.consent(left.redirect_browser_to, login)
    const answer = await browser.fetch(back)
    assert.equal(answer.status, 303, await answer.text())
    return answer.headers.get("location")
  }

  test("vouches for somebody in a browser, who is signed up and then in", async () => {
    for (const kind of ["Registration", "Login", "Registration"]) {
      const browser = browse()
      await trip(browser, well(await browser.submit(kind, choose), 422), "grace")
      const session = await proves(browser, ["oidc", "aal1"])
      assert.equal(session.authentication_methods[0].provider, "panva")
      assert.equal(session.identity.traits.email, "grace@example.test")
    }
  })

  test("vouches for somebody in an app, which exchanges two codes for its session", async () => {
    for (const [kind, login] of [["Registration", "margaret"], ["Login", "margaret"], ["Login", "katherine"]]) {
      const app = new App(server)
      const returnTo = "https://app.example.test/back"
      const flow = await app.begin(kind, { returnTo, returnSessionTokenExchangeCode: true })
      const left = well(await app.go_on(kind, flow.id, choose), 422)
      const led = new URL(await trip(browse(), left, login))
      assert.equal(led.origin + led.pathname, returnTo)
      const codes = { initCode: flow.session_token_exchange_code, returnToCode: led.searchParams.get("code") }
      const { data } = await app.frontend.exchangeSessionToken(codes)
      app.token = data.session_token
      const session = await proves(app, ["oidc", "aal1"])
      assert.equal(session.identity.traits.email, `${login}@example.test`)
      assert.equal(session.id, data.session.id)
    }
  })

  test("gives apps no id_token that is taken", async () => {
    for (const kind of ["Login", "Registration"]) {
      const app = new App(server)
      const refused = await app.submit(kind, { ...choose, id_token: "e30.e30.e30", id_token_nonce: "n" })
      assert.equal(refused.status, 502)
      assert.match(refused.data.error.reason, /"generic" gives apps no id_token.* without id_token/)
      assert.equal(app.token, undefined)
    }
  })

  test("is linked by somebody who has an account, and proves that beside the password", async () => {
    const { byPassword } = await newcomer("linus")
    const browser = browse()
    const led = await trip(browser, well(await browser.submit("Login", choose), 422), "linus")
    const flow = new URL(led).searchParams.get("flow")
    assert.equal((await browser.whoami()).status, 401, "the provider's word alone opens no account")
    well(await browser.go_on("Login", flow, byPassword))
    await proves(browser, ["password", "aal1"], ["oidc", "aal1"])
    const next = browse()
    await trip(next, well(await next.submit("Login", choose), 422), "linus")
    await proves(next, ["oidc", "aal1"])
  })

  test("is linked and unlinked in the settings", async () => {
    const { byPassword } = await newcomer("links")
    const browser = browse()
    well(await browser.submit("Login", byPassword))
    await trip(browser, well(await browser.submit("Settings", { method: "oidc", link: "panva" }), 422), "an-account-there")
    await proves(browser, ["password", "aal1"], ["oidc", "aal1"])
    const next = browse()
    await trip(next, well(await next.submit("Login", choose), 422), "an-account-there")
    assert.equal((await proves(next, ["oidc", "aal1"])).identity.traits.email, byPassword.identifier)
    assert.equal(well(await browser.submit("Settings", { method: "oidc", unlink: "panva" })).state, "success")
    const late = browse()
    await trip(late, well(await late.submit("Login", choose), 422), "an-account-there")
    assert.notEqual((await late.whoami()).data.identity?.traits.email, byPassword.identifier)
  })
})
