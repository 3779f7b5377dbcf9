// The examples in examples/spa in a real browser, over TLS and under real host names. A page gets its token
// on another origin and calls a third server, which verifies it with the public key set alone.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { request } from "node:https"
import { after, before, describe, test } from "node:test"

import { start as startServers, ID } from "../../examples/spa/servers.mjs"
import { start } from "../clients/sessera.mjs"
import { account, browser, PASSWORD } from "./surroundings.mjs"

const SAME = "https://app.example.test"
const OTHER = "https://app.example-two.test"
const EMAIL = "ada@example.test"

let server
let servers
let chromium

before(async () => {
  execFileSync("npm", ["run", "build"], { cwd: new URL("../../examples/spa", import.meta.url).pathname })
  server = await start({
    hashers: { algorithm: "bcrypt", bcrypt: { cost: 4 } },
    serve: {
      public: {
        base_url: `${ID}/`,
        trusted_proxies: ["127.0.0.1"],
        cors: { enabled: true, allowed_origins: [SAME], allow_credentials: true },
      },
    },
    selfservice: { default_browser_return_url: `${SAME}/`, allowed_return_urls: [`${SAME}/`, `${OTHER}/`] },
    session: { whoami: { tokenizer: { templates: { example: { jwks_url: "set://example", ttl: "5m" } } } } },
  })
  const made = await server.run("create", "jwk", "example", "--alg", "ES256")
  assert.equal(made.code, 0, made.stderr)
  const published = await server.run("get", "jwk", "example", "--public", "--format", "json")
  assert.equal(published.code, 0, published.stderr)
  const keySet = JSON.parse(published.stdout)
  assert.ok(keySet.keys.every((key) => !("d" in key)), "the API gets no private key")
  servers = await startServers({ sessera: server.publicUrl, keySet })
  chromium = await browser({
    args: [
      `--host-resolver-rules=MAP *.example.test 127.0.0.1:${servers.port},MAP *.example-two.test 127.0.0.1:${servers.port}`,
      `--ignore-certificate-errors-spki-list=${servers.spki}`,
    ],
  })
  await account(server, EMAIL)
})

after(async () => {
  await chromium?.close()
  await servers?.stop()
  await server?.stop()
})

async function visit() {
  const context = await chromium.newContext({ locale: "en-GB" })
  context.setDefaultTimeout(60_000)
  return context.newPage()
}

async function signIn(page) {
  await page.waitForURL(`${ID}/ui/login?**`)
  await page.locator("[name=identifier]").fill(EMAIL)
  await page.getByLabel("Password").fill(PASSWORD)
  await page.getByRole("button", { name: "Sign in with password" }).click()
}

/** Calls Sessera with an Origin that no browser would let a page choose. */
function call(path, headers, body) {
  return new Promise((resolve, reject) => {
    const options = { port: servers.port, host: "127.0.0.1", servername: "id.example.test", ca: servers.cert, path, method: body ? "POST" : "GET" }
    const sent = request({ ...options, headers: { host: "id.example.test", ...headers } }, (answer) => {
      let text = ""
      answer.setEncoding("utf8").on("data", (chunk) => (text += chunk))
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }))
    })
    sent.on("error", reject).end(body)
  })
}

describe("a page of the same site", { concurrency: false }, () => {
  let page

  test("is sent to sign in, then calls the API with a token", async () => {
    page = await visit()
    await page.goto(`${SAME}/`)
    await page.getByRole("button", { name: "Call the API" }).click()
    await signIn(page)
    await page.waitForURL(`${SAME}/`)
    const cookie = (await page.context().cookies(ID)).find(({ name }) => name === "ory_kratos_session")
    assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite === "Lax", JSON.stringify(cookie))
    const asked = page.waitForRequest("https://api.example.test/greeting")
    await page.getByRole("button", { name: "Call the API" }).click()
    await page.getByText(/^Hello [0-9a-f-]{36}, your session is [0-9a-f-]{36}\.$/).waitFor()
    assert.match((await asked).headers().authorization, /^Bearer ey/)
  })

  test("reads nothing on an origin that is not allowed, though its browser is signed in", async () => {
    const elsewhere = await page.context().newPage()
    await elsewhere.goto("https://evil.example.test/")
    const outcome = await elsewhere.evaluate(
      (url) => fetch(url, { credentials: "include" }).then(() => "read", (error) => error.name),
      `${ID}/sessions/whoami?tokenize_as=example`,
    )
    assert.equal(outcome, "TypeError")
    await elsewhere.close()
    for (const origin of ["https://evil.example.test", "https://app.example.test.evil.test", "null", OTHER]) {
      const answer = await call("/sessions/whoami?tokenize_as=example", { origin })
      const cors = Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))
      assert.deepEqual(cors, [], origin)
    }
    const allowed = await call("/sessions/whoami?tokenize_as=example", { origin: SAME })
    assert.equal(allowed.headers["access-control-allow-origin"], SAME)
    assert.equal(allowed.headers["access-control-allow-credentials"], "true")
  })

  test("gets no token any more once its user has signed out", async () => {
    await page.getByRole("button", { name: "Sign out" }).click()
    await page.waitForURL(`${SAME}/`)
    await page.getByRole("button", { name: "Call the API" }).click()
    await page.waitForURL(`${ID}/ui/login?**`)
    await page.context().close()
  })
})

describe("a page of another site", { concurrency: false }, () => {
  test("gets its token through a one-time code, without any cookie of Sessera's", async () => {
    const page = await visit()
    const codes = []
    const exchanges = []
    page.on("framenavigated", (frame) => {
      const code = new URL(frame.url()).searchParams.get("code")
      if (code) codes.push(code)
    })
    page.on("request", (sent) => {
      if (sent.url() === `${ID}/self-service/exchange`) exchanges.push(sent)
    })
    await page.goto(`${OTHER}/`)
    await page.getByRole("button", { name: "Call the API" }).click()
    await signIn(page)
    await page.getByText(/^Hello /).waitFor()
    assert.equal(new URL(page.url()).search, "", "the code does not stay in the address")
    assert.equal((await exchanges[0].allHeaders()).cookie, undefined)
    const posted = JSON.parse(exchanges[0].postData())
    assert.ok(codes.includes(posted.code))

    const again = await call(
      "/self-service/exchange",
      { origin: OTHER, "content-type": "application/json" },
      JSON.stringify(posted),
    )
    assert.equal(again.status, 400, "a code is good once")
    assert.equal(JSON.parse(again.text).error.id, "exchange_code_invalid")

    await page.reload()
    await page.getByRole("button", { name: "Call the API" }).click()
    await page.getByText(/^Hello /).waitFor()
    assert.equal(codes.length, 2, "who is signed in is asked nothing")

    const direct = await page.evaluate(
      (url) => fetch(url, { credentials: "include" }).then(() => "read", (error) => error.name),
      `${ID}/sessions/whoami?tokenize_as=example`,
    )
    assert.equal(direct, "TypeError", "whoami is not for this origin")
    await page.context().close()
  })

  test("is refused a return address that is not allowed", async () => {
    const page = await visit()
    await page.goto(`${ID}/self-service/exchange/browser?${new URLSearchParams({
      return_to: "https://evil.example-two.test/",
      tokenize_as: "example",
      code_challenge: "x".repeat(43),
      code_challenge_method: "S256",
    })}`)
    await page.getByRole("heading", { name: "Something went wrong" }).waitFor()
    await page.context().close()
  })
})
