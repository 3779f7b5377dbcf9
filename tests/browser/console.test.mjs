// The console as an operator walks it, with scripts and without, in light and dark and on a phone. axe finds nothing
// wrong, nothing runs over the edge, and nothing breaks the pages' own policy. Pictures are kept in SCREENSHOTS.

import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"

import { account, browser, eventually, looker, mail, PASSWORD, Person, sessera } from "./surroundings.mjs"

const TOKEN = "a-token-for-the-console-in-tests"
const MAPPER = "{ claims: { email: std.extVar('session').identity.traits.email } }"
const BROKEN = "{ claims: { email: std.extVar('session').identity.traits.mail } }"

let chromium
let mails
let server

/** Somebody at the console, in a browser of their own. */
async function operator(options = {}) {
  const context = await chromium.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) throw new Error(message.text())
  })
  const open = (path) => page.goto(`${server.adminUrl}${path}`)
  const person = new Person(page, server, "ada@example.test")
  return {
    page,
    open,
    heading: (name) => person.heading(name),
    press: (name) => person.press(name),
    fill: (label, value) => person.fill(label, value),
    signIn: async () => {
      await open("/console/templates")
      await person.heading("Sign in to the console")
      await person.fill("Admin token", TOKEN)
      await person.press("Sign in")
      await person.heading("Templates")
    },
    close: () => context.close(),
  }
}

/** Calls the admin API as the command line does. */
async function admin(method, path, body) {
  const answer = await fetch(`${server.adminUrl}${path}`, {
    method,
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify(body),
  })
  assert.ok(answer.ok, await answer.text())
}

/** Adds something to the configuration. */
async function configure(path, value) {
  await admin("PATCH", "/projects/default", [{ op: "add", path: `/services/identity/config${path}`, value }])
}

/** Ada has a session from then on. */
async function adaSignsIn() {
  const context = await chromium.newContext({ locale: "en-GB" })
  await new Person(await context.newPage(), server, "ada@example.test").signIn(PASSWORD)
  await context.close()
}

before(async () => {
  mails = await mail()
  server = await sessera(mails.uri, { serve: { admin: { token: [TOKEN] }, gateway: { enabled: true, port: 0 } } })
  chromium = await browser()
  await admin("POST", "/admin/rotation/my-keys", { alg: "ES256", period: "720h" })
  await account(server, "ada@example.test", TOKEN)
  await adaSignsIn()
})

after(async () => {
  await chromium.close()
  await server.stop()
  await mails.stop()
})

describe("the console", { concurrency: false }, () => {
  test("a template is written with its preview, saved, and brought back", async () => {
    const { page, open, heading, press, fill, signIn, close } = await operator()
    const look = await looker()
    await open("/console")
    await heading("Sign in to the console")
    await fill("Admin token", "wrong")
    await press("Sign in")
    await page.getByRole("alert").waitFor()
    await look("console-sign-in", page)
    await signIn()
    await page.getByRole("link", { name: "New template" }).click()
    await heading("New template")
    await fill("Name", "api")
    await page.getByLabel("Key set").selectOption("set://my-keys")
    await fill("Audience", "https://api.example.org")
    await fill("Claims mapper", BROKEN)
    await page.getByText("Line 1, column").waitFor()
    await look("console-editor-problem", page)
    await fill("Claims mapper", MAPPER)
    await page.getByLabel("For", { exact: true }).selectOption("session")
    await fill("Address, or id of the session or identity", "ada@example.test")
    await page.getByRole("cell", { name: "ada@example.test" }).waitFor()
    await look("console-editor", page)
    await press("Save")
    await page.getByText("It is saved").waitFor()
    await fill("Lives for", "2m")
    await press("Save")
    await page.getByText("It is saved").waitFor()
    await look("console-template", page)
    await page.getByRole("region", { name: "History" }).getByRole("link").first().click()
    await page.getByRole("heading", { name: /Go back to/ }).waitFor()
    await look("console-history", page)
    await press("Go back to it")
    await page.getByText("It is saved").waitFor()
    assert.equal(await page.getByLabel("Lives for").inputValue(), "")
    await page.getByRole("link", { name: "Templates", exact: true }).first().click()
    await heading("Templates")
    await look("console-templates", page)
    await page.getByRole("link", { name: "Overview" }).click()
    await heading("Overview")
    await look("console-overview", page)
    await close()
  })

  test("a recipe fills the editor", async () => {
    const { page, open, heading, press, fill, signIn, close } = await operator()
    const look = await looker()
    await signIn()
    await page.getByRole("link", { name: "Begin with a recipe" }).click()
    await heading("Recipes")
    await look("console-recipes", page)
    await page.getByRole("link", { name: "Hasura" }).click()
    await heading("Hasura")
    await fill("Name of the template", "my-keys")
    await press("Fill it in")
    await heading("New template")
    await page.getByText("x-hasura-user-id").first().waitFor()
    await open("/console/recipes/hasura")
    await fill("Name of the template", "graph")
    await press("Fill it in")
    await page.getByRole("heading", { name: "There is no key set graph yet" }).waitFor()
    await look("console-recipe-keys", page)
    await press("Make it")
    await page.getByText("x-hasura-user-id").first().waitFor()
    assert.equal(await page.getByRole("heading", { name: "There is no key set graph yet" }).count(), 0)
    await open("/console/nothing")
    await heading("That did not work")
    await look("console-problem", page)
    await close()
  })

  test("keys are shown on a line of time and revoked after one was told", async () => {
    const { page, open, heading, press, fill, signIn, close } = await operator()
    const look = await looker()
    await signIn()
    await page.getByRole("link", { name: "Keys", exact: true }).click()
    await heading("Keys")
    await page.getByRole("link", { name: "New key set" }).click()
    await heading("New key set")
    await fill("Name", "other")
    await press("Make it")
    await page.getByText("It is done.").waitFor()
    await look("console-keys", page)
    await page.getByRole("link", { name: "Rotate now" }).click()
    await page.getByText("as soon as all verifiers can know it").waitFor()
    await page.getByRole("link", { name: "Back" }).click()
    await page.getByRole("link", { name: "Revoke" }).last().click()
    const kid = (await page.getByRole("heading", { level: 1 }).textContent()).replace(/^Revoke |\?$/g, "")
    await look("console-revoke", page)
    await page.getByLabel(/^Type /).fill("x")
    await press("Revoke")
    await page.getByRole("alert").waitFor()
    await page.getByLabel(/^Type /).fill(kid)
    await press("Revoke")
    await page.getByText("It is done.").waitFor()
    await page.getByText("revoked", { exact: true }).waitFor()
    await open("/console/keys/none")
    await heading("That did not work")
    await close()
  })

  test("a person is found, their session looked at and ended, and a token of it read", async () => {
    const { page, open, heading, press, fill, signIn, close } = await operator()
    const look = await looker()
    await signIn()
    await page.getByRole("link", { name: "People" }).click()
    await heading("People")
    await fill("Address, name or id", "ada@")
    await press("Search")
    await page.getByRole("link", { name: "ada@example.test" }).click()
    await page.getByRole("heading", { name: "ada@example.test" }).waitFor()
    await look("console-person", page)
    await page.getByRole("region", { name: "Sessions" }).getByRole("link").first().click()
    await heading("Session")
    await look("console-session", page)
    await page.getByRole("link", { name: "End it" }).click()
    await press("End it")
    await page.getByText("It is done.").waitFor()
    await page.getByRole("link", { name: "Recovery code" }).click()
    await press("Recovery code")
    await page.getByText("Typed at this address").waitFor()
    await page.getByRole("link", { name: "Token", exact: true }).click()
    await heading("Token")
    await page.getByLabel("Token").fill("eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjF9.c2ln")
    await press("Read it")
    await page.getByText("it ended 1970-01-01").waitFor()
    await look("console-token", page)
    await page.getByRole("link", { name: "Record", exact: true }).click()
    await heading("Record")
    await page.getByLabel("Outcome").selectOption("refused")
    await press("Filter")
    await page.getByRole("cell", { name: /admin refused/ }).first().waitFor()
    await open("/console/record")
    await look("console-record", page)
    await open("/console/everybody")
    await look("console-everybody", page)
    await close()
  })

  test("a request is tried on a route of the gateway", async () => {
    const { page, heading, press, fill, signIn, close } = await operator()
    const look = await looker()
    // The walk before has ended Ada's session.
    await adaSignsIn()
    await configure("/gateway/routes/app", { template: "api", headers: { "X-User-Email": "email" } })
    await signIn()
    await page.getByRole("link", { name: "Routes" }).click()
    await heading("Routes")
    await page.getByLabel("Route", { exact: true }).selectOption("app")
    await press("Try it")
    await page.getByText("nobody is signed in. The browser is sent there").waitFor()
    await fill("Session of", "ada@example.test")
    await press("Try it")
    await page.getByText("It passes, with the session.").waitFor()
    await page.getByRole("row", { name: /x-user-email/ }).getByText("ada@example.test").waitFor()
    await look("console-routes", page)
    await close()
  })

  test("settings show what the configuration was, receivers of events and admin tokens", async () => {
    const { page, open, heading, press, fill, signIn, close } = await operator()
    const look = await looker()
    await configure("/events", {
      sinks: { siem: { url: "https://siem.invalid/in/a-secret-path", secret: [`whsec_${btoa("x".repeat(32))}`] } },
    })
    await signIn()
    await page.getByRole("link", { name: "Settings" }).click()
    await heading("Settings")
    await page.getByRole("link", { name: "New admin token" }).click()
    await heading("New admin token")
    await fill("Name", "ops-berlin")
    await page.getByLabel("Role").selectOption("operator")
    await press("Make it")
    await page.getByText(/^sessera_admin_/).waitFor()
    await look("console-admin-token", page)
    await eventually(60, async () => {
      await open("/console/settings")
      return page.getByText("takes nothing").isVisible()
    })
    assert.ok(!(await page.content()).includes("a-secret-path"))
    await look("console-settings", page)
    await page.getByRole("link", { name: "Delete the admin token ops-berlin?" }).click()
    await page.getByText("Whoever uses it is refused from then on.").waitFor()
    await press("Delete")
    await page.getByText("It is done.").waitFor()
    await open("/console")
    await page.getByRole("link", { name: /Events do not reach siem/ }).click()
    await page.getByRole("heading", { name: /^siem/ }).waitFor()
    await look("console-sink", page)
    await page.getByRole("link", { name: "Send once more" }).click()
    await page.getByLabel("Everything behind the entry").fill("0")
    await look("console-replay", page)
    await press("Send once more")
    await page.getByText("They will be delivered.").waitFor()
    await open("/console/settings/revisions")
    await heading("Revisions")
    await look("console-revisions", page)
    await page.getByRole("row").nth(2).getByRole("link").click()
    await page.getByText("Nothing is lost").waitFor()
    await page.getByRole("row", { name: /goes \/events/ }).waitFor()
    assert.ok(!(await page.content()).includes("a-secret-path"))
    await look("console-revision", page)
    await press("Go back to it")
    await page.getByText("It is done.").waitFor()
    await page.getByText("Nobody is told of events.").waitFor()
    await close()
  })

  test("in German nothing runs over the edge either", async () => {
    const { page, open, heading, fill, press, close } = await operator({ locale: "de-DE" })
    const look = await looker()
    await open("/console/settings")
    await heading("An der Konsole anmelden")
    await fill("Admin-Token", TOKEN)
    await press("Anmelden")
    for (const [path, name] of [
      ["/console/settings", "Einstellungen"],
      ["/console/settings/revisions", "Stände"],
      ["/console/settings/new-token", "Neues Admin-Token"],
      ["/console/routes", "Routen"],
      ["/console", "Übersicht"],
    ]) {
      await open(path)
      await heading(name)
      await look(undefined, page)
    }
    await close()
  })

  test("everything works without scripts and with the keyboard alone", async () => {
    const { page, open, heading, press, signIn, fill, close } = await operator({ javaScriptEnabled: false })
    // The walk before has ended Ada's session.
    await adaSignsIn()
    await signIn()
    await open("/console/new-template")
    await heading("New template")
    await fill("Name", "plain")
    await page.getByLabel("Key set").selectOption("set://my-keys")
    await fill("Claims mapper", MAPPER)
    await page.getByLabel("For", { exact: true }).selectOption("session")
    await fill("Address, or id of the session or identity", "ada@example.test")
    await press("Show what comes out")
    await page.getByRole("cell", { name: "ada@example.test" }).waitFor()
    await press("Save")
    await page.getByText("It is saved").waitFor()
    await page.getByRole("link", { name: "Routes" }).click()
    await heading("Routes")
    await fill("Session of", "ada@example.test")
    await press("Try it")
    await page.getByText("It passes, with the session.").waitFor()
    await page.getByRole("link", { name: "Settings" }).click()
    await heading("Settings")
    await open("/console/templates/plain")
    await page.getByRole("link", { name: "Take it out" }).click()
    await page.getByRole("heading", { name: "Take out plain?" }).waitFor()
    await page.getByRole("button", { name: "Take it out" }).focus()
    await page.keyboard.press("Enter")
    await heading("Templates")
    await page.keyboard.press("Tab")
    assert.equal(await page.locator(":focus").textContent(), "To the content")
    await press("Sign out")
    await heading("Sign in to the console")
    await close()
  })
})
