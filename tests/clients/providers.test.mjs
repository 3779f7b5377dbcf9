// A provider that people really run (oidc-provider by panva, certified by the OpenID Foundation) vouches for people.

import assert from "node:assert/strict"
import { createServer } from "node:http"
import { after, before, describe, test } from "node:test"

import { Provider } from "oidc-provider"

import { start } from "./sessera.mjs"

// Where browsers come back to. The server of the test has another address, to which the test leads them.
const BACK = "https://id.example.test"
const SECRET = "a secret that the provider gives out"
const MAPPER = `
local claims = std.extVar('claims');
{ identity: {
  traits: { email: claims.email },
  verified_addresses: if std.get(claims, 'email_verified', false) then [{ via: 'email', value: claims.email }] else [],
} }`

let listener
let issuer
let server

before(async () => {
  listener = createServer()
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve))
  issuer = `http://127.0.0.1:${listener.address().port}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "sessera",
        client_secret: SECRET,
        redirect_uris: [`${BACK}/self-service/methods/oidc/callback/panva`],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    cookies: { keys: ["a key for cookies of the test"] },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@example.test`, email_verified: true }),
    }),
    pkce: { required: () => true },
  })
  listener.on("request", provider.callback())
  const panva = {
    id: "panva",
    provider: "generic",
    client_id: "sessera",
    client_secret: SECRET,
    issuer_url: issuer,
    scope: ["email"],
    claims_source: "userinfo",
    mapper_url: `base64://${Buffer.from(MAPPER).toString("base64")}`,
  }
  server = await start({
    selfservice: { methods: { oidc: { enabled: true, config: { base_redirect_uri: BACK, providers: [panva] } } } },
  })
})

after(async () => {
  assert.equal(await server.stop(), 0)
  listener.closeAllConnections()
  listener.close()
})

/** A browser that follows redirections by hand and fills in the forms of the provider. */
class Browser {
  cookies = new Map()

  async fetch(url, options = {}) {
    const own = this.cookies.get(new URL(url).host) ?? new Map()
    this.cookies.set(new URL(url).host, own)
    const cookie = [...own].map(([name, value]) => `${name}=${value}`).join("; ")
    const headers = { accept: "text/html", ...options.headers, ...(cookie && { cookie }) }
    const answer = await fetch(url, { ...options, headers, redirect: "manual" })
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      if (value) own.set(name, value)
      else own.delete(name)
    }
    return answer
  }

  /** Chooses the provider: where the browser is sent. */
  async leave() {
    const json = { headers: { accept: "application/json" } }
    const flow = await (await this.fetch(`${server.publicUrl}/self-service/login/browser`, json)).json()
    const token = flow.ui.nodes.find(({ attributes }) => attributes.name === "csrf_token").attributes.value
    const body = new URLSearchParams({ csrf_token: token, method: "oidc", provider: "panva" })
    const answer = await this.fetch(`${server.publicUrl}/self-service/login?flow=${flow.id}`, { method: "POST", body })
    assert.equal(answer.status, 303)
    return answer.headers.get("location")
  }

  /** Signs in at the provider and consents: where the browser is sent back to, at the server of the test. */
  async consent(url, login) {
    while (!url.startsWith(BACK)) {
      const answer = await this.fetch(url)
      if (answer.status >= 300) {
        url = new URL(answer.headers.get("location"), url).href
        continue
      }
      const page = await answer.text()
      const action = new URL(/<form[^>]*action="([^"]*)"/.exec(page)[1], url).href
      const hidden = [...page.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, value])
      const body = new URLSearchParams([...hidden, ["login", login], ["password", "any"]])
      const sent = await this.fetch(action, { method: "POST", body })
      url = new URL(sent.headers.get("location"), action).href
    }
    return url.replace(BACK, server.publicUrl)
  }

  async whoami() {
    const answer = await this.fetch(`${server.publicUrl}/sessions/whoami`, { headers: { accept: "application/json" } })
    return { status: answer.status, session: await answer.json() }
  }
}

describe("a real provider", { concurrency: false }, () => {
  let known

  test("vouches for a newcomer", async () => {
    const browser = new Browser()
    const back = await browser.consent(await browser.leave(), "ada")
    assert.equal(new URL(back).searchParams.get("iss"), issuer)
    assert.equal((await browser.fetch(back)).status, 303)
    const { status, session } = await browser.whoami()
    assert.equal(status, 200, JSON.stringify(session))
    assert.equal(session.identity.traits.email, "ada@example.test")
    assert.equal(session.identity.verifiable_addresses[0].verified, true)
    assert.deepEqual([session.authentication_methods[0].method, session.authentication_methods[0].provider], ["oidc", "panva"])
    known = session.identity.id
  })

  test("leads the same person to the same account", async () => {
    const browser = new Browser()
    await browser.fetch(await browser.consent(await browser.leave(), "ada"))
    assert.equal((await browser.whoami()).session.identity.id, known)
  })

  test("gives its answer to one browser, once", async () => {
    const browser = new Browser()
    const other = new Browser()
    const back = await browser.consent(await browser.leave(), "grace")
    await other.fetch(back)
    assert.equal((await other.whoami()).status, 401)
    await browser.fetch(back)
    assert.equal((await browser.whoami()).session.identity.traits.email, "grace@example.test")
    browser.cookies.get(new URL(server.publicUrl).host).delete("ory_kratos_session")
    await browser.fetch(back)
    assert.equal((await browser.whoami()).status, 401)
  })

  test("is not taken at the word of another one", async () => {
    const browser = new Browser()
    const back = new URL(await browser.consent(await browser.leave(), "grace"))
    back.searchParams.set("iss", "https://evil.example")
    await browser.fetch(back.href)
    assert.equal((await browser.whoami()).status, 401)
  })
})
