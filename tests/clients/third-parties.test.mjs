// Follows docs/third-parties.md with its commands, its mapper and its page, against a receiver that checks
// tokens as Zendesk documents it.

import assert from "node:assert/strict"
import { readFile, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import { join } from "node:path"
import { after, before, describe, test } from "node:test"

import { Configuration, FrontendApi, IdentityApi } from "@ory/client"
import { SignJWT, jwtVerify } from "jose"

import { start } from "./sessera.mjs"

const SECRET = "wEHr2pRO0MVpYYcBqmQ0c8Qh7gqZb4K1rUv9TnXs5LdJfA3e"
const PASSWORD = "a rather long passphrase"
const THREE_MINUTES = 3 * 60

let server
let receiver
let blocks

before(async () => {
  server = await start()
  receiver = await receive()
  const document = await readFile(new URL("../../docs/third-parties.md", import.meta.url), "utf8")
  blocks = [...document.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language, content]) => ({ language, content }))
})

after(async () => {
  await receiver.close()
  await server.stop()
})

/** The code blocks of a language, in the order of the document. */
function written(language) {
  return blocks.filter((block) => block.language === language).map((block) => block.content)
}

/** A service that signs people in as Zendesk does: HS256, `iat` within three minutes, `jti` once, who it is. */
async function receive() {
  const seen = new Set()
  const signedIn = []
  const judge = async (form) => {
    const { payload } = await jwtVerify(form.get("jwt") ?? "", new TextEncoder().encode(SECRET), { algorithms: ["HS256"] })
    assert.ok(Math.abs(Date.now() / 1000 - payload.iat) <= THREE_MINUTES, "iat is not within three minutes")
    assert.ok(payload.jti && !seen.has(payload.jti), "jti is missing or was seen before")
    assert.ok(payload.email && payload.name, "email or name is missing")
    seen.add(payload.jti)
    signedIn.push({ ...payload, return_to: form.get("return_to") })
  }
  const http = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request.setEncoding("utf8")) body += chunk
    try {
      assert.equal(`${request.method} ${request.url}`, "POST /access/jwt")
      assert.equal(request.headers["content-type"], "application/x-www-form-urlencoded;charset=UTF-8")
      await judge(new URLSearchParams(body))
      response.writeHead(200).end()
    } catch (error) {
      response.writeHead(403).end(error.message)
    }
  })
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve))
  const url = `http://127.0.0.1:${http.address().port}`
  const post = (fields) => fetch(`${url}/access/jwt`, { method: "POST", body: new URLSearchParams(fields) })
  return { url, post, signedIn, close: () => new Promise((resolve) => http.close(resolve)) }
}

/** A person with an address that was proven, or was not; gives the token of the session. */
async function person(email, verified) {
  const identities = new IdentityApi(new Configuration({ basePath: server.adminUrl }))
  const { data: identity } = await identities.createIdentity({
    createIdentityBody: {
      schema_id: "default",
      traits: { email, name: { first: "Ada", last: "Lovelace" } },
      credentials: { password: { config: { password: PASSWORD } } },
      verifiable_addresses: [{ value: email, via: "email", verified, status: verified ? "completed" : "pending" }],
    },
  })
  const frontend = new FrontendApi(new Configuration({ basePath: server.publicUrl }))
  const { data: flow } = await frontend.createNativeLoginFlow()
  const { data } = await frontend.updateLoginFlow({
    flow: flow.id,
    updateLoginFlowBody: { method: "password", identifier: email, password: PASSWORD },
  })
  return { id: identity.id, sessionToken: data.session_token }
}

/** Runs the script of the page as a browser would for somebody with this session. */
async function openPage(sessionToken) {
  const [page] = written("html")
  const script = /<script type="module">(.*)<\/script>/s.exec(page)[1].replace("https://id.example.org", server.publicUrl)
  assert.match(page, /<form id="zendesk" method="post" action="https:\/\/SUBDOMAIN\.zendesk\.com\/access\/jwt">/)
  const outcome = { said: "", wentTo: null, answer: null }
  const elements = { jwt: { value: "" }, return_to: { value: "" } }
  const submit = () => {
    outcome.answer = receiver.post({ jwt: elements.jwt.value, return_to: elements.return_to.value })
  }
  const document = {
    getElementById: () => ({ elements, submit }),
    body: { append: (text) => (outcome.said += text) },
  }
  const location = {
    href: "https://www.example.org/zendesk?return_to=https%3A%2F%2Fhelp.example.org%2F",
    search: "?return_to=https%3A%2F%2Fhelp.example.org%2F",
    assign: (url) => (outcome.wentTo = url),
  }
  // The browser sends its cookie; a client without one sends the same session as a header.
  const ask = (url, options) => {
    assert.equal(options.credentials, "include")
    return fetch(url, { headers: sessionToken ? { "X-Session-Token": sessionToken } : {} })
  }
  const AsyncFunction = (async () => {}).constructor
  await new AsyncFunction("document", "location", "fetch", script)(document, location, ask)
  outcome.answer = await outcome.answer
  return outcome
}

describe("signing in to Zendesk", { concurrency: false }, () => {
  test("the commands of the document make the template", async () => {
    const [secret, template] = written("sh")
    const [mapper] = written("jsonnet")
    await writeFile(join(server.folder, "zendesk.jsonnet"), mapper)
    const made = await server.sh(`set -e; ZENDESK_SECRET='${SECRET}'\n${secret}\n${template}`)
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stderr, /shared secret/, "the answer warns")
    assert.doesNotMatch(made.stdout, new RegExp(SECRET))
    const listed = await server.run("get", "jwk", "zendesk", "--public", "--format", "json")
    assert.deepEqual(JSON.parse(listed.stdout).keys, [], "a shared secret is never published")
  })

  test("the page signs a person in, once for each token", async () => {
    const ada = await person("ada@example.test", true)
    const first = await openPage(ada.sessionToken)
    assert.equal(first.answer.status, 200, await first.answer.text())
    const second = await openPage(ada.sessionToken)
    assert.equal(second.answer.status, 200, "every token has its own jti")
    const [claims] = receiver.signedIn
    assert.equal(claims.email, "ada@example.test")
    assert.equal(claims.name, "Ada Lovelace")
    assert.equal(claims.external_id, ada.id)
    assert.equal(claims.exp - claims.iat, THREE_MINUTES)
    assert.equal(claims.return_to, "https://help.example.org/")
  })

  test("who is not signed in is sent to sign in", async () => {
    const { wentTo, answer } = await openPage(null)
    assert.equal(answer, null)
    assert.match(wentTo, /\/self-service\/login\/browser\?return_to=https%3A%2F%2Fwww\.example\.org%2Fzendesk/)
  })

  test("an address that was not proven gets no token", async () => {
    const eve = await person("eve@example.test", false)
    const { said, answer } = await openPage(eve.sessionToken)
    assert.equal(answer, null)
    assert.match(said, /verified/)
  })

  test("the receiver is as strict as Zendesk", async () => {
    const claims = { email: "a@example.test", name: "A", jti: "1" }
    const sign = (changes, secret = SECRET, age = 0) =>
      new SignJWT({ ...claims, ...changes })
        .setProtectedHeader({ alg: "HS256" })
        .setIssuedAt(Math.floor(Date.now() / 1000) - age)
        .sign(new TextEncoder().encode(secret))
    const status = async (token) => (await receiver.post({ jwt: await token })).status
    assert.equal(await status(sign({})), 200)
    assert.equal(await status(sign({})), 403, "the same jti again")
    assert.equal(await status(sign({ jti: "2" }, SECRET, THREE_MINUTES + 5)), 403, "too old")
    assert.equal(await status(sign({ jti: "3" }, `${SECRET}\n`)), 403, "a line break behind the secret")
    assert.equal(await status(sign({ jti: "4", name: undefined })), 403, "no name")
  })
})
