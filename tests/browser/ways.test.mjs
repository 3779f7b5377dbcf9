// Signing up and in by a provider and by a code on Sessera's own pages, with scripts and without. What was proven stands in
// the token that the browser gets of its session. Every page on the way looks right and breaks no policy of its own.

import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { after, before, describe, test } from "node:test"

import { openProvider } from "../clients/provider.mjs"
import { start } from "../clients/sessera.mjs"
import { TOKENIZER, makeKey, proven } from "../clients/tokens.mjs"
import { account, browser, looker, mail, PASSWORD, Person } from "./surroundings.mjs"

// The provider has another host, so that its pages are those of another site.
const SITE = "http://localhost"
// What a provider says that does not tell the address.
const SHY = "{ identity: { traits: {} } }"

let chromium
let mails
let provider
let server
const looking = looker()

before(async () => {
  mails = await mail()
  provider = await openProvider(SITE, ["panva", "shy"])
  const file = new URL("../../crates/accounts/src/schema/default.schema.json", import.meta.url)
  const schema = JSON.parse(await readFile(file, "utf8"))
  schema.properties.traits.properties.email["ory.sh/kratos"].credentials.code = { identifier: true, via: "email" }
  server = await start({
    serve: { public: { base_url: `${SITE}/` } },
    pages: { name: "Example" },
    courier: { smtp: { connection_uri: mails.uri, from_address: "id@example.test" } },
    hashers: { algorithm: "bcrypt", bcrypt: { cost: 4 } },
    identity: {
      default_schema_id: "default",
      schemas: [{ id: "default", url: `base64://${Buffer.from(JSON.stringify(schema)).toString("base64")}` }],
    },
    selfservice: {
      methods: {
        code: { enabled: true, passwordless_enabled: true },
        oidc: {
          enabled: true,
          config: {
            providers: [
              provider.known("panva", { label: "Example Company" }),
              provider.known("shy", { label: "Shy Company", mapper: SHY }),
            ],
          },
        },
      },
      flows: { recovery: { enabled: true }, verification: { enabled: true } },
    },
    session: { whoami: { tokenizer: TOKENIZER } },
  })
  await makeKey(server)
  chromium = await browser({
    // The pages of the provider ask for a font that nobody has here.
    args: [`--host-resolver-rules=MAP localhost ${new URL(server.publicUrl).host},MAP fonts.googleapis.com ~NOTFOUND`],
  })
})

after(async () => {
  await chromium?.close()
  assert.equal(await server?.stop(), 0)
  provider?.close()
  await mails?.stop()
})

for (const javaScriptEnabled of [true, false]) {
  const word = javaScriptEnabled ? "with" : "without"
  const address = (name) => `${name}-${word}@example.test`

  /** Looks at the page as it stands, where scripts can do so. A picture is kept of one that is given a name. */
  const look = async (person, name) => {
    if (javaScriptEnabled) await (await looking)(name, person.page)
  }

  async function visit(email) {
    const context = await chromium.newContext({ javaScriptEnabled, locale: "en-GB", reducedMotion: "reduce" })
    context.setDefaultTimeout(60_000)
    const page = await context.newPage()
    page.on("console", (message) => {
      const isOurs = page.url().startsWith(SITE)
      if (isOurs && /Content Security Policy|Refused to/.test(message.text())) throw new Error(message.text())
    })
    return new Person(page, { publicUrl: SITE }, email)
  }

  const open = async (person, kind) => person.page.goto(`${SITE}/self-service/${kind}/browser`)

  /** Presses a button as somebody does who has no mouse: from the top of the page, by tabs, then Enter. */
  async function reach(person, name) {
    const button = person.page.getByRole("button", { name, exact: true })
    await button.waitFor()
    for (let presses = 0; presses < 40; presses += 1) {
      if (await button.evaluate((element) => element === document.activeElement)) return person.page.keyboard.press("Enter")
      await person.page.keyboard.press("Tab")
    }
    throw new Error(`no tab leads to "${name}"`)
  }

  /** Signs in at the provider, under the name before the sign in the address, and consents. */
  async function vouch(person) {
    await person.page.getByPlaceholder("Enter any login").fill(person.email.split("@")[0])
    await person.page.getByPlaceholder("and password").fill("any")
    await person.press("Sign-in")
    await person.press("Continue")
  }

  /** The session in the browser was proven in these ways, each of its level, and its token says so. */
  async function proves(person, ...ways) {
    await person.heading("Welcome")
    const asked = await (await person.page.goto(`${SITE}/sessions/whoami?tokenize_as=levels`)).json()
    const { proofs } = await proven(server, asked, `${SITE}/`)
    assert.deepEqual(proofs.map(({ method, aal, provider }) => [method, aal, ...(provider ? [provider] : [])]), ways)
    assert.equal(asked.identity.traits.email, person.email)
    return asked
  }

  async function signOut(person) {
    await person.page.goto(`${SITE}/ui/logout`)
    await person.signOut()
  }

  describe(`by a provider, ${word} scripts`, { concurrency: false }, () => {
    let person

    before(async () => {
      person = await visit(address("grace"))
    })

    test("somebody signs up, with the keyboard", async () => {
      await open(person, "registration")
      await person.heading("Create your account")
      await look(person, "registration-provider")
      await reach(person, "Sign up with Example Company")
      await vouch(person)
      const session = await proves(person, ["oidc", "aal1", "panva"])
      assert.equal(session.identity.verifiable_addresses[0].verified, true)
    })

    test("and in again", async () => {
      await signOut(person)
      await open(person, "login")
      await person.heading("Sign in")
      await look(person, "sign-in-provider")
      await reach(person, "Sign in with Example Company")
      await proves(person, ["oidc", "aal1", "panva"])
    })

    test("whoever turns back at the provider is told so", async () => {
      const other = await visit(address("nobody"))
      await open(other, "login")
      await other.press("Sign in with Example Company")
      await other.page.getByRole("link", { name: "[ Cancel ]" }).click()
      const alert = other.page.getByRole("alert")
      await alert.getByText('Example Company answered "access_denied"').waitFor()
      assert.ok(await alert.evaluate((element) => element === document.activeElement), "the list has the focus")
      await look(other)
      await other.page.context().close()
    })

    test("what the provider does not say is asked for", async () => {
      const shy = await visit(address("shy"))
      await open(shy, "registration")
      await shy.press("Sign up with Shy Company")
      await vouch(shy)
      await shy.heading("Create your account")
      await look(shy, "registration-provider-asks")
      await shy.press("Continue")
      await shy.page.getByRole("alert").waitFor()
      await look(shy)
      await shy.page.locator("[name='traits.email']").fill(shy.email)
      await shy.page.keyboard.press("Enter")
      await proves(shy, ["oidc", "aal1", "shy"])
      await shy.page.context().close()
    })

    test("whoever has an account signs in to it as before, which links both", async () => {
      const linus = await visit(address("linus"))
      await account(server, linus.email)
      await open(linus, "login")
      await linus.press("Sign in with Example Company")
      await vouch(linus)
      await linus.page.getByText("becomes a further way into it").waitFor()
      await linus.page.getByText(`Sign in as ${linus.email}`).waitFor()
      await look(linus, "sign-in-links")
      await linus.fill("Password", PASSWORD)
      await linus.page.keyboard.press("Enter")
      await proves(linus, ["password", "aal1"], ["oidc", "aal1", "panva"])
      await signOut(linus)
      await open(linus, "login")
      await linus.press("Sign in with Example Company")
      await proves(linus, ["oidc", "aal1", "panva"])
      await linus.page.context().close()
    })

    test("an account there is linked and unlinked on the page of one's account", async () => {
      const linker = await visit(address("linker"))
      await account(server, linker.email)
      await linker.signIn()
      await linker.settings()
      await look(linker, "settings-providers")
      const part = linker.part("Accounts elsewhere")
      await reach(linker, "Link Example Company")
      await vouch(linker)
      await linker.page.getByText("Your changes are saved.").waitFor()
      await part.getByRole("button", { name: "Unlink Example Company" }).waitFor()
      await look(linker)
      await linker.page.goto(SITE)
      await proves(linker, ["password", "aal1"], ["oidc", "aal1", "panva"])
      await linker.settings()
      await part.getByRole("button", { name: "Unlink Example Company" }).click()
      await linker.page.getByText("Your changes are saved.").waitFor()
      await part.getByRole("button", { name: "Link Example Company" }).waitFor()
      await linker.page.context().close()
    })
  })

  describe(`by a code, ${word} scripts`, { concurrency: false }, () => {
    let person

    before(async () => {
      person = await visit(address("ada"))
    })

    /** Types the code of the mail, a wrong one first, with the keyboard. */
    async function typeCode(label, name) {
      await person.heading("Check your e-mail")
      const field = person.page.getByLabel(label, { exact: true })
      assert.ok(await field.evaluate((element) => element === document.activeElement), "the field has the focus")
      assert.equal(await field.getAttribute("autocomplete"), "one-time-code")
      await look(person, name)
      const code = await mails.code(person.email)
      await field.focus()
      await person.page.keyboard.type(code === "000000" ? "000001" : "000000")
      await person.page.keyboard.press("Enter")
      await person.page.getByRole("alert").getByText("is wrong").first().waitFor()
      await look(person)
      await person.press("Send the code again")
      await person.heading("Check your e-mail")
      const newer = await mails.code(person.email)
      await field.fill(newer)
      await person.page.keyboard.press("Enter")
    }

    test("somebody signs up", async () => {
      await open(person, "registration")
      await person.heading("Create your account")
      await person.page.locator("[name='traits.email']").fill(person.email)
      await person.page.keyboard.press("Enter")
      await person.heading("Choose how to sign in")
      await look(person, "registration-ways")
      await reach(person, "Sign up with a code")
      await typeCode("Code to sign up", "registration-code")
      const session = await proves(person, ["code", "aal1"])
      assert.equal(session.identity.verifiable_addresses[0].verified, true)
    })

    test("and in again", async () => {
      await signOut(person)
      await open(person, "login")
      await person.page.locator("[name=identifier]").fill(person.email)
      await reach(person, "Send a code to sign in")
      await typeCode("Code to sign in", "sign-in-code")
      await proves(person, ["code", "aal1"])
    })

    test("whom nobody knows is told so at the field", async () => {
      const other = await visit(address("stranger"))
      await open(other, "login")
      await other.page.locator("[name=identifier]").fill(other.email)
      await other.press("Send a code to sign in")
      await other.page.getByRole("alert").getByText("There is no account with this address").waitFor()
      await look(other)
      await other.page.context().close()
    })
  })
}
