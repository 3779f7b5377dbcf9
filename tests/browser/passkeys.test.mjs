// Passkeys in a real browser with a device that Chromium plays. One is added, used to sign in and removed.

import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { after, before, describe, test } from "node:test"

import { start } from "../clients/sessera.mjs"
import { account, browser, PASSWORD, Person } from "./surroundings.mjs"

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const EMAIL = "ada@example.test"
// Browsers take this origin for a safe one, and it has a domain, which 127.0.0.1 does not.
const SITE = "http://localhost"

let chromium
let server
let page
let person
let devices
let device

before(async () => {
  server = await start({
    hashers: { algorithm: "bcrypt", bcrypt: { cost: 4 } },
    serve: { public: { base_url: `${SITE}/` } },
    selfservice: { methods: { passkey: { enabled: true } } },
  })
  chromium = await browser({ args: [`--host-resolver-rules=MAP localhost ${new URL(server.publicUrl).host}`] })
  await account(server, EMAIL)
  person = await visit()
  page = person.page
  devices = await page.context().newCDPSession(page)
  await devices.send("WebAuthn.enable")
  const { authenticatorId } = await devices.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  device = authenticatorId
})

after(async () => {
  await chromium?.close()
  await server?.stop()
})

async function visit(options = {}) {
  const context = await chromium.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) throw new Error(message.text())
  })
  return new Person(page, { publicUrl: SITE }, EMAIL)
}

async function accessible(name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme })
    await page.evaluate(axe)
    const { violations } = await page.evaluate(() => globalThis.axe.run())
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`), [], name)
  }
}

const whoami = async () => (await page.goto(`${SITE}/sessions/whoami`)).json()
const openSignIn = async () => {
  await page.goto(`${SITE}/self-service/login/browser`)
  await person.heading("Sign in")
}

describe("passkeys", { concurrency: false }, () => {
  test("one is added in the settings", async () => {
    await person.signIn()
    await person.heading("Welcome")
    await person.settings()
    await accessible("settings without passkeys")
    await person.part("Passkeys").getByRole("button", { name: "Add a passkey" }).click()
    await page.getByText("Your changes are saved.").waitFor()
    const name = /^Remove the passkey “Chrome on Linux” of \d{4}-\d\d-\d\d$/
    await person.part("Passkeys").getByRole("button", { name }).waitFor()
    await accessible("settings with a passkey")
    const { credentials } = await devices.send("WebAuthn.getCredentials", { authenticatorId: device })
    assert.equal(credentials.length, 1)
    assert.equal(credentials[0].rpId, "localhost")
    assert.ok(credentials[0].isResidentCredential)
  })

  test("the same device is not added twice", async () => {
    await person.part("Passkeys").getByRole("button", { name: "Add a passkey" }).click()
    await page.getByText("No passkey was used.").waitFor()
    await accessible("settings after a failure")
  })

  test("it signs in without a name being typed", async () => {
    await page.goto(`${SITE}/ui/logout`)
    await person.signOut()
    await openSignIn()
    await accessible("sign in")
    await person.press("Sign in with a passkey")
    await person.heading("Welcome")
    const session = await whoami()
    assert.equal(session.identity.traits.email, EMAIL)
    assert.equal(session.authenticator_assurance_level, "aal1")
    assert.deepEqual(session.authentication_methods.map(({ method }) => method), ["passkey"])
  })

  test("it confirms who is signed in", async () => {
    await page.goto(`${SITE}/self-service/login/browser?refresh=true`)
    await person.heading("Confirm that it is you")
    await accessible("confirm")
    await person.press("Sign in with a passkey")
    await person.heading("Welcome")
    assert.equal((await whoami()).authentication_methods.length, 2)
  })

  test("it does not sign in when its owner is not verified, and the password still does", async () => {
    await page.goto(`${SITE}/ui/logout`)
    await person.signOut()
    await devices.send("WebAuthn.setUserVerified", { authenticatorId: device, isUserVerified: false })
    await openSignIn()
    await person.press("Sign in with a passkey")
    await page.getByText("No passkey was used.").waitFor()
    await devices.send("WebAuthn.setUserVerified", { authenticatorId: device, isUserVerified: true })
    await page.locator("[name=identifier]").fill(EMAIL)
    await person.fill("Password", PASSWORD)
    await page.keyboard.press("Enter")
    await person.heading("Welcome")
  })

  test("it is taken away, and signs nobody in from then on", async () => {
    await person.settings()
    await person.part("Passkeys").getByRole("button", { name: /^Remove the passkey/ }).click()
    await page.getByText("Your changes are saved.").waitFor()
    await page.goto(`${SITE}/ui/logout`)
    await person.signOut()
    await openSignIn()
    await person.press("Sign in with a passkey")
    await page.getByRole("alert").getByText("No account knows this passkey").waitFor()
    await accessible("sign in with an unknown passkey")
  })

  test("without scripts the button is not there, and everything else works", async () => {
    const other = await visit({ javaScriptEnabled: false, locale: "de-DE" })
    await other.page.goto(`${SITE}/self-service/login/browser`)
    await other.page.getByText("Passkeys brauchen einen Browser, der sie kennt und Skripte ausführt.").waitFor()
    assert.ok(!(await other.page.getByText("Mit Passkey anmelden").isVisible()))
    await other.page.locator("[name=identifier]").fill(EMAIL)
    await other.page.locator("[name=password]").fill(PASSWORD)
    await other.page.locator("[name=password]").press("Enter")
    await other.page.waitForURL(`${SITE}/`)
    await other.page.context().close()
  })
})
