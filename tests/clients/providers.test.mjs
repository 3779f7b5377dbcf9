// A provider that people really run (oidc-provider by panva, certified by the OpenID Foundation) vouches for people.

import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"

import { openProvider } from "./provider.mjs"
import { Browser, field } from "./sdk.mjs"
import { start } from "./sessera.mjs"

// Where browsers come back to. The server of the test has another address, to which the test leads them.
const BACK = "https://id.example.test"

let provider
let server

before(async () => {
  provider = await openProvider(BACK)
  const config = { base_redirect_uri: BACK, providers: [provider.known("panva")] }
  server = await start({ selfservice: { methods: { oidc: { enabled: true, config } } } })
})

after(async () => {
  assert.equal(await server.stop(), 0)
  provider.close()
})

/** A browser that chose the provider: where it is sent back to once somebody has signed in there. */
async function vouched(browser, login) {
  const json = { headers: { Accept: "application/json" } }
  const flow = await (await browser.fetch(`${server.publicUrl}/self-service/login/browser`, json)).json()
  const body = new URLSearchParams({ csrf_token: field(flow, "csrf_token"), method: "oidc", provider: "panva" })
  const url = `${server.publicUrl}/self-service/login?flow=${flow.id}`
  const answer = await browser.fetch(url, { method: "POST", body })
  assert.equal(answer.status, 303)
  return browser.consent(answer.headers.get("location"), login)
}

describe("a real provider", { concurrency: false }, () => {
  let known

  test("vouches for a newcomer", async () => {
    const browser = new Browser(server, BACK)
    const back = await vouched(browser, "ada")
    assert.equal(new URL(back).searchParams.get("iss"), provider.issuer)
    assert.equal((await browser.fetch(back)).status, 303)
    const { status, data: session } = await browser.whoami()
    assert.equal(status, 200, JSON.stringify(session))
    assert.equal(session.identity.traits.email, "ada@example.test")
    assert.equal(session.identity.verifiable_addresses[0].verified, true)
    assert.deepEqual([session.authentication_methods[0].method, session.authentication_methods[0].provider], ["oidc", "panva"])
    known = session.identity.id
  })

  test("leads the same person to the same account", async () => {
    const browser = new Browser(server, BACK)
    await browser.fetch(await vouched(browser, "ada"))
    assert.equal((await browser.whoami()).data.identity.id, known)
  })

  test("gives its answer to one browser, once", async () => {
    const browser = new Browser(server, BACK)
    const other = new Browser(server, BACK)
    const back = await vouched(browser, "grace")
    await other.fetch(back)
    assert.equal((await other.whoami()).status, 401)
    await browser.fetch(back)
    assert.equal((await browser.whoami()).data.identity.traits.email, "grace@example.test")
    browser.cookies.delete("ory_kratos_session")
    await browser.fetch(back)
    assert.equal((await browser.whoami()).status, 401)
  })

  test("is not taken at the word of another one", async () => {
    const browser = new Browser(server, BACK)
    const back = new URL(await vouched(browser, "grace"))
    back.searchParams.set("iss", "https://evil.example")
    await browser.fetch(back.href)
    assert.equal((await browser.whoami()).status, 401)
  })
})
