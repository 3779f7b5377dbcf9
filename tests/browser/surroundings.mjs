// What the tests in a browser need, which is a server that sends mail, the mail, and Chromium.

import { chromium } from "playwright-core"
import { simpleParser } from "mailparser"
import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join } from "node:path"
import { SMTPServer } from "smtp-server"

import { start } from "../clients/sessera.mjs"

const SECONDS_FOR_MAIL = 60
export const PASSWORD = "seven wandering herons"

/** Chromium without anything that would call out. */
export function browser(options = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    chromiumSandbox: false,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...(options.args ?? []),
    ],
  })
}

const folder = process.env.SCREENSHOTS ?? new URL("../../target/screenshots", import.meta.url).pathname

const LOOKS = [
  { name: "light", colorScheme: "light", viewport: { width: 1120, height: 760 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1120, height: 760 } },
  { name: "phone", colorScheme: "light", viewport: { width: 375, height: 780 } },
]

/**
 * What looks at a page as it stands in all looks: axe finds nothing wrong, nothing runs over the edge, and a picture is kept
 * of one that is given a name.
 */
export async function looker() {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
  await mkdir(folder, { recursive: true })
  return async (name, page) => {
    for (const { name: looks, colorScheme, viewport } of LOOKS) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize(viewport)
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => globalThis.axe.run())
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)
      assert.deepEqual(found, [], `${name ?? page.url()}, ${looks}`)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(overflow <= 0, `${name ?? page.url()}, ${looks}: ${overflow} pixels too wide`)
      if (!name) continue
      await page.evaluate(() => document.activeElement?.blur())
      await writeFile(join(folder, `${name}.${looks}.png`), await page.screenshot({ fullPage: true }))
    }
    await page.setViewportSize(LOOKS[0].viewport)
  }
}

/** A mail server that keeps what it is sent. */
export async function mail() {
  const mails = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData(stream, session, done) {
      simpleParser(stream).then((message) => {
        mails.push({ to: session.envelope.rcptTo.map((address) => address.address), text: message.text })
        done()
      }, done)
    },
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    uri: `smtp://127.0.0.1:${server.server.address().port}/?disable_starttls=true`,
    /** The code in the newest mail to an address, taken out so that the next call waits for a newer one. */
    code: (address) =>
      eventually(SECONDS_FOR_MAIL, () => {
        const at = mails.findLastIndex((one) => one.to.includes(address))
        const code = at >= 0 ? /\b\d{6}\b/.exec(mails[at].text)?.[0] : undefined
        if (code) mails.splice(at, 1)
        return code
      }),
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
}

/** A server with everything that its pages can show. `more` lies over its configuration. */
export async function sessera(mailUri, more = {}) {
  return start({
    courier: { smtp: { connection_uri: mailUri, from_address: "id@example.test" } },
    session: { whoami: { required_aal: "highest_available" } },
    hashers: { algorithm: "bcrypt", bcrypt: { cost: 4 } },
    selfservice: {
      methods: { totp: { enabled: true, config: { issuer: "Example" } }, lookup_secret: { enabled: true } },
      flows: {
        recovery: { enabled: true },
        verification: { enabled: true },
        registration: { after: { password: { hooks: [{ hook: "session" }, { hook: "show_verification_ui" }] } } },
      },
    },
    ...more,
  })
}

/** An account with an address and the password. `token` is one of the admin API, where it asks for one. */
export async function account(server, email, token) {
  const made = await fetch(`${server.adminUrl}/admin/identities`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify({
      schema_id: "default",
      traits: { email },
      credentials: { password: { config: { password: PASSWORD } } },
    }),
  })
  assert.equal(made.status, 201)
}

/** The code of an authenticator app (RFC 6238) `steps` steps of 30 seconds from now. */
export function totp(secret, steps = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
  const bits = [...secret.replaceAll(/\s/g, "")].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0"))
  const bytes = bits.join("").match(/.{8}/g).map((byte) => parseInt(byte, 2))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps))
  const hash = createHmac("sha1", Buffer.from(bytes)).update(counter).digest()
  const at = hash[19] & 15
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0")
}

/** Waits until `check` gives something. */
export async function eventually(seconds, check) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = await check()
    if (found) return found
    if (Date.now() > end) throw new Error(`nothing came within ${seconds} seconds`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What a person does on the pages, by what they read there. */
export class Person {
  constructor(page, server, email) {
    Object.assign(this, { page, server, email })
  }

  heading(name) {
    return this.page.getByRole("heading", { level: 1, name }).waitFor()
  }

  press(name) {
    return this.page.getByRole("button", { name, exact: true }).first().click()
  }

  fill(label, value) {
    return this.page.getByLabel(label, { exact: true }).fill(value)
  }

  async register(mails) {
    await this.page.goto(this.server.publicUrl)
    await this.page.getByRole("link", { name: "Create an account" }).click()
    await this.heading("Create your account")
    await this.page.locator("[name='traits.email']").fill(this.email)
    await this.press("Sign up")
    await this.heading("Choose a password")
    await this.fill("Password", PASSWORD)
    await this.press("Sign up")
    await this.heading("Check your e-mail")
    await this.fill("Verification code", await mails.code(this.email))
    await this.press("Continue")
    await this.heading("Address verified")
    await this.page.getByRole("link", { name: "Continue" }).click()
    await this.heading("Welcome")
  }

  async signIn(password = PASSWORD) {
    await this.page.goto(`${this.server.publicUrl}/self-service/login/browser`)
    await this.heading("Sign in")
    await this.page.locator("[name=identifier]").fill(this.email)
    await this.fill("Password", password)
    await this.press("Sign in with password")
  }

  async settings() {
    await this.page.goto(`${this.server.publicUrl}/self-service/settings/browser`)
    await this.heading("Your account")
  }

  /** Links an authenticator app and returns its secret. */
  async linkApp() {
    await this.settings()
    const secret = (await this.page.locator("code.secret").textContent()).replaceAll(" ", "")
    await this.fill("Code", totp(secret))
    await this.part("Authenticator app").getByRole("button", { name: "Save" }).click()
    await this.page.getByText("Your changes are saved.").waitFor()
    return secret
  }

  /** Makes backup codes and returns them. */
  async makeCodes() {
    await this.settings()
    await this.press("Make new backup codes")
    await this.page.locator("ol.codes").waitFor()
    const codes = await this.page.locator("ol.codes code").allTextContents()
    await this.press("I have kept my backup codes")
    await this.page.getByText("Your changes are saved.").waitFor()
    return codes
  }

  part(title) {
    return this.page.getByRole("region", { name: title })
  }

  async signOut() {
    await this.press("Sign out")
    await this.heading("You are signed out")
  }
}
