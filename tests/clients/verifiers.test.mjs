// Runs the programs of docs/verifiers.md against a real server, with good and bad tokens, and compares its
// configuration files with what the server publishes.

import assert from "node:assert/strict"
import { execFile, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { createServer, request } from "node:http"
import { userInfo } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { text } from "node:stream/consumers"
import { after, before, describe, test } from "node:test"
import { promisify } from "node:util"

import { Configuration, FrontendApi, IdentityApi } from "@ory/client"
import { parse } from "yaml"

import { start } from "./sessera.mjs"

const PASSWORD = "a rather long passphrase"
const DOCUMENTED = "https://id.example.org/"
const NGINX = "/usr/sbin/nginx"
const MODULE = "/usr/lib/nginx/modules/ngx_http_js_module.so"
const PATIENCE = 60_000
const environment = { ...process.env, NO_COLOR: "1" }

let server
let sections
let identity
let tokens

before(async () => {
  server = await start()
  const document = await readFile(new URL("../../docs/verifiers.md", import.meta.url), "utf8")
  sections = new Map(
    document.split(/^## /m).map((section) => [
      section.split("\n", 1)[0],
      [...section.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language, content]) => ({ language, content })),
    ]),
  )
  const [template] = written(sections.keys().next().value, "json")
  await server.sh("sessera create jwk api --alg ES256")
  const other = { ...JSON.parse(template), audience: "https://other.example.org" }
  const short = { ...JSON.parse(template), ttl: "1s" }
  const foreign = { ...JSON.parse(template), issuer: `${server.publicUrl}/elsewhere` }
  const watched = { ...JSON.parse(template), status_list: true }
  const templates = { api: JSON.parse(template), other, short, foreign, watched }
  for (const [name, value] of Object.entries(templates)) {
    const path = `/session/whoami/tokenizer/templates/${name}`
    const made = await server.run("patch", "identity-config", "--add", `${path}=${JSON.stringify(value)}`)
    assert.equal(made.code, 0, made.stderr)
  }
  tokens = await person("ada@example.test")
})

after(() => server?.stop())

/** The code blocks of a language in a section of the document, in their order. */
function written(section, language) {
  return sections.get(section).filter((block) => block.language === language).map((block) => block.content)
}

/** The same with the address of the server under test. */
function here(section, language) {
  return written(section, language).map((content) => content.replaceAll(DOCUMENTED, `${server.publicUrl}/`))
}

/** Signs somebody up; gives a token of each template, and one whose signature was damaged. */
async function person(email) {
  const identities = new IdentityApi(new Configuration({ basePath: server.adminUrl }))
  const createIdentityBody = {
    schema_id: "default",
    traits: { email },
    credentials: { password: { config: { password: PASSWORD } } },
  }
  identity = (await identities.createIdentity({ createIdentityBody })).data.id
  const token = await signIn(email)
  const made = {}
  for (const name of ["api", "other", "short", "foreign"]) made[name] = await token(name)
  const [header, payload, signature] = made.api.split(".")
  made.damaged = [header, payload, signature[0] === "A" ? `B${signature.slice(1)}` : `A${signature.slice(1)}`].join(".")
  const end = JSON.parse(Buffer.from(made.short.split(".")[1], "base64url")).exp * 1000
  await until(() => Date.now() > end, "the end of the short token")
  return made
}

/** Signs in; gives what makes a token of a template. */
async function signIn(email) {
  const frontend = new FrontendApi(new Configuration({ basePath: server.publicUrl }))
  const { data: flow } = await frontend.createNativeLoginFlow()
  const updateLoginFlowBody = { method: "password", identifier: email, password: PASSWORD }
  const { data } = await frontend.updateLoginFlow({ flow: flow.id, updateLoginFlowBody })
  return async (tokenizeAs) =>
    (await frontend.toSession({ xSessionToken: data.session_token, tokenizeAs })).data.tokenized
}

async function until(condition, what) {
  const end = Date.now() + PATIENCE
  while (!(await condition())) {
    assert.ok(Date.now() < end, `${what} did not come`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Runs a verifier, which prints claims or fails, with the good token and with every bad one. */
async function judges(command, args, options) {
  const run = (token) => promisify(execFile)(command, [...args, token], { env: environment, ...options })
  assert.match((await run(tokens.api)).stdout, new RegExp(identity))
  for (const name of ["other", "short", "foreign", "damaged"]) {
    await assert.rejects(run(tokens[name]), `${name} was taken`)
  }
}

describe("programs", () => {
  test("jose", async () => {
    const [program] = here("Node: jose", "js")
    const code = `${program}\nconsole.log(JSON.stringify(await verify(process.argv[1])))`
    await judges("node", ["--input-type=module", "--eval", code], { cwd: new URL(".", import.meta.url).pathname })
  })

  test("jose with status lists", async () => {
    const stays = await (await signIn("ada@example.test"))("watched")
    const goes = await (await signIn("ada@example.test"))("watched")
    const { sid } = JSON.parse(Buffer.from(goes.split(".")[1], "base64url"))
    // Nobody has read a list yet, so the first one knows of the revocation.
    await new IdentityApi(new Configuration({ basePath: server.adminUrl })).disableSession({ id: sid })
    const [program] = here("Node: jose, with status lists", "js")
    const code = `${program}\nconsole.log(JSON.stringify(await verify(process.argv[1])))`
    const run = (token) =>
      promisify(execFile)("node", ["--input-type=module", "--eval", code, token], {
        cwd: new URL(".", import.meta.url).pathname,
      })
    assert.match((await run(stays)).stdout, new RegExp(identity))
    await assert.rejects(run(goes), /the session was revoked/)
    await assert.rejects(run(tokens.api), /status/, "a token without a status")
  })

  test("jose with events", async (t) => {
    const [program] = here("Node: jose, with events", "js")
    const code = `${program.replaceAll("http://127.0.0.1:4434", server.adminUrl)}
import { createInterface } from "node:readline"
await follow()
for await (const token of createInterface({ input: process.stdin })) {
  console.log(await verify(token).then(() => "good", (error) => error.message))
}
process.exit()`
    const children = []
    t.after(() => children.forEach((child) => child.kill()))
    const start = () => {
      const child = spawn("node", ["--input-type=module", "--eval", code], {
        cwd: new URL(".", import.meta.url).pathname,
        stdio: ["pipe", "pipe", "inherit"],
      })
      children.push(child)
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      return async (token) => {
        child.stdin.write(`${token}\n`)
        return (await lines.next()).value
      }
    }
    const sid = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).sid
    const stays = await (await signIn("ada@example.test"))("api")
    const goes = await (await signIn("ada@example.test"))("api")
    const says = start()
    assert.equal(await says(stays), "good")
    assert.equal(await says(goes), "good")
    const identities = new IdentityApi(new Configuration({ basePath: server.adminUrl }))
    await identities.disableSession({ id: sid(goes) })
    await until(async () => (await says(goes)) === "the session was ended", "the end of the session")
    assert.equal(await says(stays), "good")
    const later = start()
    assert.equal(await later(goes), "the session was ended", "one that begins later knows it, too")
    assert.equal(await later(stays), "good")
    await identities.deleteIdentitySessions({ id: identity })
    await until(async () => (await says(stays)) === "the session was ended", "the end of all sessions")
    assert.notEqual(await says(tokens.damaged), "good")
  })

  test("PyJWT", { skip: !process.env.PYTHON && "PYTHON is not set" }, async () => {
    const [program] = here("Python: PyJWT", "python")
    await judges(process.env.PYTHON, ["-c", `${program}\nimport sys\nprint(verify(sys.argv[1]))`])
  })

  test("Nimbus", { skip: !process.env.JARS && "no Java development kit or no Maven" }, async () => {
    const [program] = here("Java: Nimbus JOSE + JWT", "java")
    const file = join(server.folder, "Verify.java")
    await writeFile(file, program)
    await judges("java", ["-cp", join(process.env.JARS, "*"), file])
  })
})

describe("nginx", { skip: !(existsSync(NGINX) && existsSync(MODULE)) && "nginx with njs is not installed" }, () => {
  let backend
  let nginx
  let front
  let folder

  before(async () => {
    backend = createServer((request, response) => response.end(request.headers["x-subject"]))
    await new Promise((resolve) => backend.listen(0, "127.0.0.1", resolve))
    folder = join(server.folder, "nginx")
    await mkdir(folder)
    const [program] = here("nginx", "js")
    await writeFile(join(folder, "verify.js"), program)
    // No port that somebody else could take meanwhile.
    front = join(folder, "front")
    const [settings] = here("nginx", "nginx")
    const http = settings
      .replace("js_path /etc/nginx;", `js_path ${folder};`)
      .replace("/var/cache/nginx/keys", join(folder, "keys"))
      .replace("listen 8080;", `listen unix:${front};`)
      .replace("http://127.0.0.1:3000", `http://127.0.0.1:${backend.address().port}`)
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    const paths = temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join(" ")
    const file = join(folder, "nginx.conf")
    await writeFile(
      file,
      // The folder is open to the user of this test only.
      `load_module ${MODULE}; user ${userInfo().username}; daemon off; pid ${join(folder, "pid")}; error_log stderr; events {}
       http { access_log off; ${paths}\n${http}\n}`,
    )
    nginx = spawn(NGINX, ["-c", file, "-e", "stderr"], { stdio: ["ignore", "inherit", "inherit"] })
    await until(() => ask().then(() => true, () => false), "nginx")
  })

  after(async () => {
    const ended = new Promise((resolve) => nginx.once("exit", resolve))
    nginx.kill("SIGTERM")
    await ended
    await new Promise((resolve) => backend.close(resolve))
  })

  const ask = (token, headers = {}) =>
    new Promise((resolve, reject) => {
      const all = { ...headers, connection: "close", ...(token && { authorization: `Bearer ${token}` }) }
      const sent = request({ socketPath: front, path: "/some/path", headers: all }, (answer) => {
        text(answer).then((body) => resolve({ status: answer.statusCode, body }), reject)
      })
      sent.on("error", reject).end()
    })

  test("lets good tokens pass and tells whose they are", async () => {
    const answer = await ask(tokens.api, { "x-subject": "somebody else" })
    assert.deepEqual([answer.status, answer.body], [200, identity])
  })

  test("refuses all others", async () => {
    for (const name of ["other", "short", "foreign", "damaged"]) {
      assert.equal((await ask(tokens[name])).status, 401, name)
    }
    for (const word of ["", "x", "a.b.c", `${tokens.api}.x`]) assert.equal((await ask(word)).status, 401, word)
  })
})

describe("configuration files", () => {
  const discovered = async (issuer) => {
    // The address is made as OpenID Connect Discovery 1.0, section 4, says.
    const answer = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`)
    assert.equal(answer.status, 200)
    return answer.json()
  }

  const keysAt = async (address) => (await (await fetch(address)).json()).keys

  test("Envoy", async () => {
    const [file] = here("Envoy", "yaml")
    const [filter] = parse(file).http_filters
    const { providers, rules } = filter.typed_config
    const { issuer, remote_jwks: remote } = providers[rules[0].requires.provider_name]
    assert.equal((await discovered(issuer)).issuer, issuer)
    const answer = await fetch(remote.http_uri.uri)
    const maxAge = /max-age=(\d+)/.exec(answer.headers.get("cache-control"))[1]
    assert.ok(Number.parseInt(remote.cache_duration) <= Number(maxAge), "it would keep keys for too long")
    assert.equal((await answer.json()).keys.length, 1)
  })

  test("Kubernetes", async () => {
    const [file] = here("Kubernetes", "yaml")
    const { kind, jwt } = parse(file)
    assert.equal(kind, "AuthenticationConfiguration")
    const document = await discovered(jwt[0].issuer.url)
    assert.equal(document.issuer, jwt[0].issuer.url)
    assert.ok(document.id_token_signing_alg_values_supported.includes("ES256"))
    assert.equal((await keysAt(document.jwks_uri)).length, 1)
    const claims = JSON.parse(Buffer.from(tokens.api.split(".")[1], "base64url"))
    assert.equal(claims.iss, jwt[0].issuer.url)
    assert.ok([claims.aud].flat().some((audience) => jwt[0].issuer.audiences.includes(audience)))
    assert.equal(typeof claims[jwt[0].claimMappings.username.claim], "string")
  })

  test("an issuer of one template has its own document", async () => {
    const document = await discovered(`${server.publicUrl}/elsewhere`)
    assert.equal(document.issuer, `${server.publicUrl}/elsewhere`)
    assert.equal((await keysAt(document.jwks_uri)).length, 1)
  })

  test("AWS, Vault and OpenBao name addresses that are there", async () => {
    const [action] = here("AWS", "json")
    const { Issuer, JwksEndpoint } = JSON.parse(action)[0].JwtValidationConfig
    assert.equal((await discovered(Issuer)).issuer, Issuer)
    assert.equal((await keysAt(JwksEndpoint)).length, 1)
    const [commands] = here("Vault and OpenBao", "sh")
    const [, issuer] = /oidc_discovery_url=(\S+)/.exec(commands)
    assert.equal((await discovered(issuer)).issuer, issuer)
  })
})
