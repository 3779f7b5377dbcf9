// Whole journeys through the pages, with scripts and without, because nothing may depend on scripts.

import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"

import { browser, mail, PASSWORD, Person, sessera, totp } from "./surroundings.mjs"

let chromium
let mails
let server

before(async () => {
  mails = await mail()
  server = await sessera(mails.uri)
  chromium = await browser()
})

after(async () => {
  await chromium.close()
  assert.equal(await server.stop(), 0)
  await mails.stop()
})

for (const javaScriptEnabled of [false, true]) {
  const word = javaScriptEnabled ? "with" : "without"

  describe(`a person ${word} scripts`, { concurrency: false }, () => {
    const email = `ada-${word}@example.test`
    let person
    let secret
    let codes

    const visit = async (options = {}) => {
      const context = await chromium.newContext({ javaScriptEnabled, locale: "en-GB", ...options })
      context.setDefaultTimeout(60_000)
      return new Person(await context.newPage(), server, email)
    }

    before(async () => {
      person = await visit()
    })

    test("signs up and proves the address", async () => {
      await person.register(mails)
      await person.page.getByText(email).waitFor()
    })

    test("is told at the field what is wrong, and can go there", async () => {
      await person.settings()
      await person.part("Password").getByLabel("Password").fill("short")
      await person.part("Password").getByRole("button", { name: "Save" }).click()
      const alert = person.page.getByRole("alert")
      await alert.getByText("at least 8 characters").waitFor()
      assert.match(await person.page.title(), /^Problem: /)
      assert.ok(await alert.evaluate((element) => element === document.activeElement), "the list has the focus")
      await alert.getByRole("link").click()
      const field = person.part("Password").getByLabel("Password")
      assert.equal(await field.getAttribute("aria-invalid"), "true")
      assert.ok(await field.evaluate((element) => element === document.activeElement))
      const described = (await field.getAttribute("aria-describedby")).split(" ")
      for (const id of described) assert.equal(await person.page.locator(`[id="${id}"]`).count(), 1, id)
    })

    test("changes the profile", async () => {
      await person.settings()
      await person.page.locator("[name='traits.name.first']").fill("Ada <b>")
      await person.part("Profile").getByRole("button", { name: "Save" }).click()
      await person.page.getByText("Your changes are saved.").waitFor()
      assert.equal(await person.page.locator("[name='traits.name.first']").inputValue(), "Ada <b>")
    })

    test("links an authenticator app and makes backup codes", async () => {
      secret = await person.linkApp()
      await person.part("Authenticator app").getByText("is linked").waitFor()
      codes = await person.makeCodes()
      assert.equal(codes.length, 12)
    })

    test("signs out and in again with the second factor", async () => {
      await person.signOut()
      await person.signIn()
      await person.heading("Second step")
      await person.fill("Code from your authenticator app", "000000")
      await person.press("Use authenticator app")
      await person.page.getByRole("alert").getByText("The code is wrong").waitFor()
      // The code of this step was used when the app was linked.
      await person.fill("Code from your authenticator app", totp(secret, 1))
      await person.press("Use authenticator app")
      await person.heading("Welcome")
    })

    test("signs in with a backup code, each once", async () => {
      await person.page.goto(`${server.publicUrl}/ui/logout`)
      await person.signOut()
      await person.signIn()
      await person.fill("Backup code", codes[0])
      await person.press("Use backup code")
      await person.heading("Welcome")
      await person.signOut()
      await person.signIn()
      await person.fill("Backup code", codes[0])
      await person.press("Use backup code")
      await person.page.getByText("was used before").waitFor()
      await person.fill("Backup code", codes[1])
      await person.press("Use backup code")
      await person.heading("Welcome")
    })

    test("signs another device out", async () => {
      const other = await visit({ userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0" })
      await other.signIn()
      await other.fill("Backup code", codes[2])
      await other.press("Use backup code")
      await other.heading("Welcome")
      await person.settings()
      await person.press("Sign out Firefox on Linux")
      await person.page.getByText("Signed out there.").waitFor()
      await person.page.getByText("not signed in anywhere else").waitFor()
      await other.page.reload()
      await other.heading("Sign in")
      await other.page.context().close()
    })

    test("unlinks the app and stops using backup codes", async () => {
      await person.settings()
      await person.press("Unlink authenticator app")
      await person.page.getByText("Your changes are saved.").waitFor()
      await person.press("Stop using backup codes")
      await person.page.getByRole("button", { name: "Stop using backup codes" }).waitFor({ state: "hidden" })
      await person.page.getByText("Your changes are saved.").waitFor()
      await person.part("Authenticator app").locator("img").waitFor()
    })

    test("recovers the account with a code by e-mail and sets a new password", async () => {
      const forgetful = await visit()
      await forgetful.page.goto(server.publicUrl)
      await forgetful.page.getByRole("link", { name: "Forgot your password?" }).click()
      await forgetful.heading("Recover your account")
      await forgetful.fill("E-mail", email)
      await forgetful.press("Continue")
      await forgetful.heading("Check your e-mail")
      await forgetful.fill("Recovery code", "000000")
      await forgetful.press("Continue")
      await forgetful.page.getByRole("alert").getByText("wrong").waitFor()
      // The first code is taken out, so that the next one is the second.
      await mails.code(email)
      await forgetful.press("Send the code again")
      await forgetful.fill("Recovery code", await mails.code(email))
      await forgetful.press("Continue")
      await forgetful.heading("Your account")
      await forgetful.page.getByText("Your account is recovered.").waitFor()
      await forgetful.part("Password").getByLabel("Password").fill(`${PASSWORD} again`)
      await forgetful.part("Password").getByRole("button", { name: "Save" }).click()
      await forgetful.page.getByText("Your changes are saved.").waitFor()
      await forgetful.signOut()
      await forgetful.signIn(PASSWORD)
      await forgetful.page.getByRole("alert").getByText("wrong").waitFor()
      await forgetful.signIn(`${PASSWORD} again`)
      await forgetful.heading("Welcome")
      await forgetful.page.context().close()
    })

    test("sees errors in words, and the way on", async () => {
      const lost = await visit({ locale: "de-DE" })
      const flow = await person.page.context().request.get(`${server.publicUrl}/self-service/verification/browser`)
      await lost.page.goto(flow.url())
      await lost.heading("Etwas ist schiefgegangen")
      await lost.page.getByText("gehört nicht zu diesem Browser").waitFor()
      await lost.page.goto(`${server.publicUrl}/self-service/login/browser?return_to=https://evil.example/`)
      await lost.page.getByText("nicht erlaubt").waitFor()
      await lost.page.getByRole("link", { name: "Zum Anfang" }).click()
      await lost.heading("Anmelden")
      await lost.page.context().close()
    })
  })
}
