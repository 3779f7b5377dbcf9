// Every page once, in light and dark, on a desktop and a phone. axe finds nothing wrong, nothing runs over
// the edge, and nothing breaks the page's own policy. Pictures of the pages are kept in SCREENSHOTS.

import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"

import { browser, looker, mail, PASSWORD, Person, sessera, totp } from "./surroundings.mjs"

/** Every kind of field that a schema can ask for. */
const SCHEMA = {
  $id: "member",
  type: "object",
  properties: {
    traits: {
      type: "object",
      properties: {
        email: {
          type: "string",
          format: "email",
          title: "E-mail",
          "ory.sh/kratos": { credentials: { password: { identifier: true } } },
        },
        name: {
          type: "object",
          properties: { first: { type: "string", title: "First name" }, last: { type: "string", title: "Last name" } },
          required: ["first"],
        },
        birthday: { type: "string", format: "date" },
        desks: { type: "integer", title: "Desks", minimum: 1 },
        membership: { type: "string", title: "Membership", enum: ["day", "month", "year"] },
        newsletter: { type: "boolean", title: "Send me the newsletter" },
      },
      required: ["email", "desks", "membership"],
    },
  },
}

let chromium
let mails
let server
let context
let person

/** Looks at the page as it stands in all looks. */
const look = async (name, { page } = person) => (await looking)(name, page)
const looking = looker()

before(async () => {
  mails = await mail()
  server = await sessera(mails.uri)
  chromium = await browser()
  context = await chromium.newContext({ locale: "en-GB", reducedMotion: "reduce" })
  context.setDefaultTimeout(60_000)
  person = new Person(await context.newPage(), server, "ada@example.test")
  person.page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) throw new Error(message.text())
  })
})

after(async () => {
  await chromium.close()
  await server.stop()
  await mails.stop()
})

describe("pages", { concurrency: false }, () => {
  let secret
  let codes

  test("signing in", async () => {
    await person.page.goto(server.publicUrl)
    await person.heading("Sign in")
    await look("sign-in")
    await person.fill("Password", "x")
    await person.press("Sign in with password")
    await person.page.getByRole("alert").waitFor()
    await look("sign-in-problem")
  })

  test("signing up", async () => {
    await person.page.goto(`${server.publicUrl}/self-service/registration/browser`)
    await look("registration")
    await person.page.locator("[name='traits.email']").fill(person.email)
    await person.page.locator("[name='traits.name.first']").fill("Ada")
    await person.press("Sign up")
    await person.heading("Choose a password")
    await look("registration-password")
    await person.fill("Password", PASSWORD)
    await person.press("Sign up")
  })

  test("verification", async () => {
    await person.heading("Check your e-mail")
    await look("verification")
    await person.fill("Verification code", await mails.code(person.email))
    await person.press("Continue")
    await person.heading("Address verified")
    await look("verified")
  })

  test("the front page", async () => {
    await person.page.goto(server.publicUrl)
    await person.heading("Welcome")
    await look("home")
  })

  test("settings", async () => {
    const phone = await chromium.newContext({
      userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    })
    const elsewhere = new Person(await phone.newPage(), server, person.email)
    await elsewhere.signIn()
    await elsewhere.heading("Welcome")
    await phone.close()
    await person.settings()
    await look("settings")
    secret = await person.linkApp()
    await person.press("Make new backup codes")
    await person.page.locator("ol.codes").waitFor()
    codes = await person.page.locator("ol.codes code").allTextContents()
    await look("settings-backup-codes")
    await person.press("I have kept my backup codes")
    await person.page.getByText("Your changes are saved.").waitFor()
    await person.press("Show backup codes")
    await person.page.locator("ol.codes").waitFor()
  })

  test("signing in again", async () => {
    await person.page.goto(`${server.publicUrl}/self-service/login/browser?refresh=true`)
    await person.heading("Confirm that it is you")
    await look("confirm")
  })

  test("signing out", async () => {
    await person.page.goto(`${server.publicUrl}/ui/logout`)
    await person.heading("Sign out?")
    await look("sign-out")
    await person.signOut()
    await look("signed-out")
  })

  test("the second factor", async () => {
    await person.signIn()
    await person.heading("Second step")
    await look("second-factor")
    await person.fill("Code from your authenticator app", totp(secret, 1))
    await person.press("Use authenticator app")
    await person.heading("Welcome")
    await person.signOut()
    await person.signIn()
    await person.fill("Backup code", codes[0])
    await person.press("Use backup code")
    await person.heading("Welcome")
    await person.signOut()
  })

  test("recovery", async () => {
    await person.page.goto(`${server.publicUrl}/self-service/recovery/browser`)
    await look("recovery")
    await person.fill("E-mail", person.email)
    await person.press("Continue")
    await person.heading("Check your e-mail")
    await look("recovery-code")
  })

  test("errors", async () => {
    await person.page.goto(`${server.publicUrl}/self-service/login/browser?return_to=https://evil.example/`)
    await look("error")
    await person.page.goto(`${server.publicUrl}/nothing/here`)
    await look("not-found")
  })

  test("any schema", async () => {
    const other = await sessera(mails.uri, {
      identity: {
        default_schema_id: "member",
        schemas: [{ id: "member", url: `base64://${Buffer.from(JSON.stringify(SCHEMA)).toString("base64")}` }],
      },
    })
    const german = await chromium.newContext({ locale: "de-DE", reducedMotion: "reduce" })
    const page = await german.newPage()
    page.setDefaultTimeout(60_000)
    await page.goto(`${other.publicUrl}/self-service/registration/browser`)
    await look("any-schema", { page })
    await page.getByLabel("E-mail").fill("no address")
    await page.getByLabel("Desks").fill("0")
    await page.getByRole("button", { name: "Konto anlegen" }).click()
    await page.getByRole("alert").waitFor()
    await look("any-schema-problem", { page })
    await page.getByLabel("E-mail").fill("grace@example.test")
    await page.getByLabel("First name").fill("Grace")
    await page.getByLabel("Birthday").fill("1906-12-09")
    await page.getByLabel("Desks").fill("3")
    await page.getByLabel("Membership").selectOption("month")
    await page.getByLabel("Send me the newsletter").check()
    await page.getByRole("button", { name: "Konto anlegen" }).click()
    await page.getByLabel("Passwort").fill(PASSWORD)
    await page.getByRole("button", { name: "Konto anlegen" }).click()
    await page.getByRole("heading", { name: "Willkommen" }).waitFor()
    await page.getByRole("link", { name: "Ihr Konto" }).click()
    assert.equal(await page.getByLabel("Membership").inputValue(), "month")
    assert.equal(await page.getByLabel("Birthday").inputValue(), "1906-12-09")
    assert.ok(await page.getByLabel("Send me the newsletter").isChecked())
    await page.getByLabel("Send me the newsletter").uncheck()
    await page.getByRole("region", { name: "Profil" }).getByRole("button", { name: "Speichern" }).click()
    await page.getByText("Ihre Änderungen sind gespeichert.").waitFor()
    assert.ok(!(await page.getByLabel("Send me the newsletter").isChecked()))
    await german.close()
    await other.stop()
  })
})
