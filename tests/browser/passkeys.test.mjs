// Passkeys and security keys in a real browser with a device that Chromium plays. They are used to sign up, to sign in and
// as a second factor, and one is removed. What they prove stands in a token.

import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { after, before, describe, test } from "node:test"

import { start } from "../clients/sessera.mjs"
import { TOKENIZER, makeKey, proven } from "../clients/tokens.mjs"
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
    selfservice: {
      methods: { passkey: { enabled: true }, webauthn: { enabled: true } },
      flows: { registration: { after: { passkey: { hooks: [{ hook: "session" }] } } } },
    },
    session: {
      whoami: {
        required_aal: "aal1",
        tokenizer: TOKENIZER,
      },
    },
  })
  chromium = await browser({ args: [`--host-resolver-rules=MAP localhost ${new URL(server.publicUrl).host}`] })
  await account(server, EMAIL)
  await makeKey(server)
  person = await visit()
  page = person.page
  // A device that is touched answers what waits in a field, too, so it waits only where a test asks for that.
  await page.addInitScript(() => {
    if (!location.protocol.startsWith("http") || sessionStorage.getItem("fills in")) return
    globalThis.PublicKeyCredential.isConditionalMediationAvailable = async () => false
  })
  devices = await page.context().newCDPSession(page)
  await devices.send("WebAuthn.enable")
  const { authenticatorId } = await devices.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: false,
    },
  })
  device = authenticatorId
})

/** Does something for which the device's owner touches it. At all other times it lies untouched. */
async function touching(act) {
  const touch = (enabled) => devices.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: device, enabled })
  await touch(true)
  await act()
  await touch(false)
}

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

/** The level and the ways that a token of the session has, which jose has verified. */
async function token() {
  const session = await (await page.goto(`${SITE}/sessions/whoami?tokenize_as=levels`)).json()
  return proven(server, session, `${SITE}/`)
}

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
    await touching(async () => {
      await person.part("Passkeys").getByRole("button", { name: "Add a passkey" }).click()
      await page.getByText("Your changes are saved.").waitFor()
    })
    const name = /^Remove the passkey “Chrome on Linux” of \d{4}-\d\d-\d\d$/
    await person.part("Passkeys").getByRole("button", { name }).waitFor()
    await accessible("settings with a passkey")
    const { credentials } = await devices.send("WebAuthn.getCredentials", { authenticatorId: device })
    assert.equal(credentials.length, 1)
    assert.equal(credentials[0].rpId, "localhost")
    assert.ok(credentials[0].isResidentCredential)
  })

  test("the same device is not added twice", async () => {
    await touching(async () => {
      await person.part("Passkeys").getByRole("button", { name: "Add a passkey" }).click()
      await page.getByText("No passkey was used.").waitFor()
    })
    await accessible("settings after a failure")
  })

  test("it signs in without a name being typed", async () => {
    await page.goto(`${SITE}/ui/logout`)
    await person.signOut()
    await openSignIn()
    await accessible("sign in")
    await touching(async () => {
      await person.press("Sign in with a passkey")
      await person.heading("Welcome")
    })
    assert.equal((await whoami()).identity.traits.email, EMAIL)
    const { aal, amr } = await token()
    assert.deepEqual({ aal, amr }, { aal: "aal1", amr: ["passkey"] })
  })

  test("it confirms who is signed in", async () => {
    await page.goto(`${SITE}/self-service/login/browser?refresh=true`)
    await person.heading("Confirm that it is you")
    await accessible("confirm")
    await touching(async () => {
      await person.press("Sign in with a passkey")
      await person.heading("Welcome")
    })
    assert.equal((await whoami()).authentication_methods.length, 2)
  })

  test("it does not sign in when its owner is not verified, and the password still does", async () => {
    await page.goto(`${SITE}/ui/logout`)
    await person.signOut()
    await devices.send("WebAuthn.setUserVerified", { authenticatorId: device, isUserVerified: false })
    await openSignIn()
    await touching(async () => {
      await person.press("Sign in with a passkey")
      await page.getByText("No passkey was used.").waitFor()
    })
    await devices.send("WebAuthn.setUserVerified", { authenticatorId: device, isUserVerified: true })
    await page.locator("[name=identifier]").fill(EMAIL)
    await person.fill("Password", PASSWORD)
    await page.keyboard.press("Enter")
    await person.heading("Welcome")
  })

  test("a security key is added, asked for after the password, and stands in the token", async () => {
    await person.settings()
    const part = person.part("Security keys")
    await part.getByLabel("Name of the security key").fill("Blue")
    await touching(async () => {
      await part.getByRole("button", { name: "Add a security key" }).click()
      await page.getByText("Your changes are saved.").waitFor()
    })
    await part.getByRole("button", { name: /^Remove the security key “Blue”/ }).waitFor()
    await accessible("settings with a security key")
    await page.goto(`${SITE}/ui/logout`)
    await person.signOut()
    await person.signIn()
    await person.heading("Welcome")
    assert.equal((await token()).aal, "aal1")
    await page.goto(`${SITE}/self-service/login/browser?aal=aal2`)
    await page.getByRole("button", { name: "Use a security key" }).waitFor()
    await accessible("second factor")
    await touching(async () => {
      await person.press("Use a security key")
      await person.heading("Welcome")
    })
    const { aal, amr } = await token()
    assert.deepEqual({ aal, amr }, { aal: "aal2", amr: ["password", "webauthn"] })
  })

  test("it is taken away, and signs nobody in from then on", async () => {
    await person.settings()
    await person.part("Passkeys").getByRole("button", { name: /^Remove the passkey/ }).click()
    await page.getByText("Your changes are saved.").waitFor()
    await page.goto(`${SITE}/ui/logout`)
    await person.signOut()
    await openSignIn()
    await touching(async () => {
      await person.press("Sign in with a passkey")
      await page.getByRole("alert").getByText("No account knows this passkey").waitFor()
    })
    await accessible("sign in with an unknown passkey")
  })

  test("somebody signs up with one, which is filled in when they come again", async () => {
    await devices.send("WebAuthn.clearCredentials", { authenticatorId: device })
    await page.goto(`${SITE}/self-service/registration/browser`)
    await person.heading("Create your account")
    await page.locator("[name='traits.email']").fill("bob@example.test")
    await person.press("Sign up")
    await person.heading("Choose how to sign in")
    await accessible("ways to sign in")
    await touching(async () => {
      await person.press("Sign up with a passkey")
      await person.heading("Welcome")
    })
    const { aal, amr } = await token()
    assert.deepEqual({ aal, amr }, { aal: "aal1", amr: ["passkey"] })
    const { credentials } = await devices.send("WebAuthn.getCredentials", { authenticatorId: device })
    assert.ok(credentials.some(({ userName }) => userName === "bob@example.test"), "the device knows the account")
    await page.goto(`${SITE}/ui/logout`)
    await person.signOut()
    await page.evaluate(() => sessionStorage.setItem("fills in", "yes"))
    await touching(async () => {
      await page.goto(`${SITE}/self-service/login/browser`)
      await person.heading("Welcome")
    })
    assert.equal((await whoami()).identity.traits.email, "bob@example.test")
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
