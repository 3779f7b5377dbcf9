// Ory's own client at the admin API: people are brought along with whatever they sign in with, and sign in with it; they
// are found by it, recovered, and their sessions are ended.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, describe, test } from "node:test"

import { Configuration, IdentityApi } from "@ory/client"

import { Authenticator } from "./authenticator.mjs"
import { openProvider } from "./provider.mjs"
import { App, Browser, field, totp } from "./sdk.mjs"
import { start } from "./sessera.mjs"
import { TOKENIZER, makeKey, proven } from "./tokens.mjs"

const SITE = "http://localhost"
const PASSWORD = "correct-horse-staple"
// The password in notations of other programs.
const HASHES = {
  sha256: "$sha256$pf=e1NBTFR9e1BBU1NXT1JEfQ==$c2FsdHk=$Pasftc0BZH7P3OAqL4iOoxlF9jXGNri/8gxVuBRIst0=",
  hmac: "$hmac-sha256$YWFjNTlhOWU4NDBiMWVkN2IxOTUyNTMyMGUxNGJlNmY3MWNmZTI1MjNlYjA0ZDU5ZjNlNDk4NmFjZjE2YjkxNA==$YS1rZXk=",
}
const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

let provider
let server
let identities

before(async () => {
  provider = await openProvider(SITE)
  const on = { enabled: true }
  server = await start({
    serve: { public: { base_url: `${SITE}/` } },
    hashers: { algorithm: "bcrypt", bcrypt: { cost: 4 } },
    selfservice: {
      methods: {
        totp: on,
        lookup_secret: on,
        passkey: on,
        webauthn: on,
        oidc: { enabled: true, config: { providers: [provider.known("panva")] } },
      },
      flows: { recovery: on },
    },
    session: { whoami: { tokenizer: TOKENIZER } },
  })
  await makeKey(server)
  identities = new IdentityApi(new Configuration({ basePath: server.adminUrl }))
})

after(async () => {
  assert.equal(await server.stop(), 0)
  provider.close()
})

/** Somebody who is brought along with credentials. */
async function bring(name, credentials, more = {}) {
  const traits = { email: `${name}@example.test` }
  const { data } = await identities.createIdentity({
    createIdentityBody: { schema_id: "default", traits, credentials, ...more },
  })
  return data
}

/** An app in which somebody has signed in with the password. */
async function signedIn(identity) {
  const app = new App(server)
  const identifier = identity.traits.email
  const answer = await app.submit("Login", { method: "password", identifier, password: PASSWORD })
  assert.equal(answer.status, 200, JSON.stringify(answer.data))
  return app
}

/** The session of a client is that of an identity and was proven in these ways, and its token says so. */
async function proves(client, identity, ...ways) {
  const { status, data } = await client.whoami({ tokenizeAs: "levels" })
  assert.equal(status, 200, JSON.stringify(data))
  assert.equal(data.identity.id, identity.id)
  const { proofs } = await proven(server, data, `${SITE}/`)
  assert.deepEqual(proofs.map(({ method, aal }) => [method, aal]), ways)
  return data
}

const password = { password: { config: { password: PASSWORD } } }
const options = (flow, name) => JSON.parse(field(flow, name))

describe("somebody who is brought along", { concurrency: false }, () => {
  test("with a password or its hash signs in with it", async () => {
    const ways = { plain: { password: PASSWORD } }
    for (const [name, hash] of Object.entries(HASHES)) ways[name] = { hashed_password: hash }
    for (const [name, config] of Object.entries(ways)) {
      const identity = await bring(name, { password: { config } })
      await proves(await signedIn(identity), identity, ["password", "aal1"])
    }
  })

  test("with an account at a provider signs in by it, and is found by it", async () => {
    const providers = [{ provider: "panva", subject: "barbara" }]
    const identity = await bring("brought-barbara", { ...password, oidc: { config: { providers } } })
    const credentialsIdentifier = "panva:barbara"
    const { data: found } = await identities.listIdentities({ credentialsIdentifier, includeCredential: ["oidc"] })
    assert.deepEqual(found.map(({ id }) => id), [identity.id])
    const { identifiers, config } = found[0].credentials.oidc
    assert.deepEqual(identifiers, [credentialsIdentifier])
    assert.deepEqual(config.providers.map(({ provider, subject }) => ({ provider, subject })), providers)
    const comeBack = async (browser) => {
      const left = await browser.submit("Login", { method: "oidc", provider: "panva" })
      await browser.fetch(await browser.consent(left.data.redirect_browser_to, "barbara"))
    }
    const browser = new Browser(server, SITE)
    await comeBack(browser)
    await proves(browser, identity, ["oidc", "aal1"])

    await identities.deleteIdentityCredentials({ id: identity.id, type: "oidc", identifier: credentialsIdentifier })
    const { data: bare } = await identities.getIdentity({ id: identity.id, includeCredential: ["oidc"] })
    assert.deepEqual(bare.credentials.oidc?.identifiers ?? [], [])
    const stranger = new Browser(server, SITE)
    await comeBack(stranger)
    assert.notEqual((await stranger.whoami()).data.identity?.id, identity.id)
  })

  test("with an authenticator app and printed codes gives either as the second factor", async () => {
    const identity = await bring("factors", {
      ...password,
      totp: { config: { totp_url: `otpauth://totp/Old:factors?secret=${SECRET}&issuer=Old` } },
      lookup_secret: { config: { codes: [{ code: "aaaa1111" }, { code: "bbbb2222", used_at: "2026-01-01T00:00:00Z" }] } },
    })
    for (const [method, form] of [
      ["totp", { totp_code: totp(SECRET) }],
      ["lookup_secret", { lookup_secret: "aaaa1111" }],
    ]) {
      const app = await signedIn(identity)
      assert.equal((await app.whoami()).status, 403)
      const answer = await app.submit("Login", { method, ...form }, { aal: "aal2" })
      assert.equal(answer.status, 200, JSON.stringify(answer.data))
      await proves(app, identity, ["password", "aal1"], [method, "aal2"])
    }
    const app = await signedIn(identity)
    for (const lookup_secret of ["aaaa1111", "bbbb2222"]) {
      const used = await app.submit("Login", { method: "lookup_secret", lookup_secret }, { aal: "aal2" })
      assert.equal(used.status, 400)
    }
    for (const type of ["totp", "lookup_secret"]) await identities.deleteIdentityCredentials({ id: identity.id, type })
    await proves(app, identity, ["password", "aal1"])
  })

  test("with a passkey signs in with it", async () => {
    const device = new Authenticator(SITE)
    const identity = await bring("passkey", { passkey: { config: device.export(randomUUID()) } })
    for (const client of [new App(server), new Browser(server, SITE)]) {
      const flow = await client.begin("Login")
      const passkey_login = device.get(options(flow, "passkey_challenge"))
      const answer = await client.go_on("Login", flow.id, { method: "passkey", passkey_login })
      assert.equal(answer.status, 200, JSON.stringify(answer.data))
      await proves(client, identity, ["passkey", "aal1"])
    }
  })

  test("with a security key gives it as the second factor", async () => {
    const device = new Authenticator(SITE)
    const identity = await bring("webauthn", { ...password, webauthn: { config: device.export(randomUUID()) } })
    const browser = new Browser(server, SITE)
    const identifier = identity.traits.email
    assert.equal((await browser.submit("Login", { method: "password", identifier, password: PASSWORD })).status, 422)
    const flow = await browser.begin("Login", { aal: "aal2" })
    const webauthn_login = device.get(options(flow, "webauthn_login_trigger"))
    const answer = await browser.go_on("Login", flow.id, { method: "webauthn", identifier, webauthn_login })
    assert.equal(answer.status, 200, JSON.stringify(answer.data))
    await proves(browser, identity, ["password", "aal1"], ["webauthn", "aal2"])
  })

  test("in a batch is there as the others are", async () => {
    const create = (name) => ({ schema_id: "default", traits: { email: `${name}@example.test` }, credentials: password })
    const wanted = [randomUUID(), randomUUID()]
    const patches = [{ patch_id: wanted[0], create: create("batch") }, { patch_id: wanted[1], create: create("batch") }]
    const { data } = await identities.batchPatchIdentities({ patchIdentitiesBody: { identities: patches } })
    assert.deepEqual(data.identities.map(({ action, patch_id }) => [patch_id, action]), [[wanted[0], "create"], [wanted[1], "error"]])
    const identity = (await identities.getIdentity({ id: data.identities[0].identity })).data
    await proves(await signedIn(identity), identity, ["password", "aal1"])
  })
})

describe("somebody who is known", { concurrency: false }, () => {
  test("is recovered by a code and by a link that an administrator gives out", async () => {
    const identity = await bring("recovered", password)
    const { data: code } = await identities.createRecoveryCodeForIdentity({
      createRecoveryCodeForIdentityBody: { identity_id: identity.id, expires_in: "1h" },
    })
    const browser = new Browser(server, SITE)
    await browser.fetch(code.recovery_link)
    const flow = new URL(code.recovery_link).searchParams.get("flow")
    const done = await browser.go_on("Recovery", flow, { method: "code", code: code.recovery_code })
    assert.equal(done.status, 422, JSON.stringify(done.data))
    await proves(browser, identity, ["code_recovery", "aal1"])

    const { data: link } = await identities.createRecoveryLinkForIdentity({
      createRecoveryLinkForIdentityBody: { identity_id: identity.id, expires_in: "1h" },
    })
    const opener = new Browser(server, SITE)
    assert.equal((await opener.fetch(link.recovery_link)).status, 303)
    await proves(opener, identity, ["link_recovery", "aal1"])
  })

  test("has sessions, which are read, made longer and ended", async () => {
    const identity = await bring("sessions", password)
    const apps = [await signedIn(identity), await signedIn(identity), await signedIn(identity)]
    const { data: listed } = await identities.listIdentitySessions({ id: identity.id, active: true })
    assert.equal(listed.length, 3)
    const own = await proves(apps[0], identity, ["password", "aal1"])
    const { data: read } = await identities.getSession({ id: own.id, expand: ["identity", "devices"] })
    assert.deepEqual(read.authentication_methods, own.authentication_methods)
    assert.equal(read.authenticator_assurance_level, "aal1")
    assert.equal(read.identity.id, identity.id)
    assert.equal(read.devices.length, 1)
    assert.ok([200, 204].includes((await identities.extendSession({ id: own.id })).status))
    const { data: everybodys } = await identities.listSessions({ active: true, expand: ["identity"] })
    assert.ok(everybodys.some(({ id, identity: owner }) => id === own.id && owner.id === identity.id))

    await identities.disableSession({ id: own.id })
    assert.equal((await apps[0].whoami()).status, 401)
    assert.equal((await identities.getSession({ id: own.id })).data.active, false)
    await identities.deleteIdentitySessions({ id: identity.id })
    for (const app of apps) assert.equal((await app.whoami()).status, 401)
  })

  test("is changed, made inactive and deleted", async () => {
    const identity = await bring("changed", password, { metadata_admin: { plan: "a" }, external_id: "outside-7" })
    const app = await signedIn(identity)
    const { data: byOutside } = await identities.getIdentityByExternalID({ externalID: "outside-7" })
    assert.equal(byOutside.id, identity.id)
    const jsonPatch = [{ op: "replace", path: "/metadata_admin/plan", value: "b" }]
    assert.equal((await identities.patchIdentity({ id: identity.id, jsonPatch })).data.metadata_admin.plan, "b")
    const body = { schema_id: "default", state: "inactive", traits: identity.traits }
    const { data: asleep } = await identities.updateIdentity({ id: identity.id, updateIdentityBody: body })
    assert.equal(asleep.state, "inactive")
    assert.equal((await app.whoami()).status, 401)
    await identities.deleteIdentity({ id: identity.id })
    const gone = await identities.getIdentity({ id: identity.id }, { validateStatus: () => true })
    assert.equal(gone.status, 404)
  })
})
