// Follows Ory's guide "Convert Ory Sessions to JSON Web Tokens" step by step, with the clients it names.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { after, before, describe, test } from "node:test"

import { Configuration, FrontendApi, IdentityApi, JwkApi, ProjectApi } from "@ory/client"
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose"

import { start } from "./sessera.mjs"

const MAPPER = `
local claims = std.extVar('claims');
local session = std.extVar('session');

{
  claims: {
    foo: 'baz',
    sub: 'a mapper cannot change the subject',
    schema_id: session.identity.schema_id,
    aal: session.authenticator_assurance_level,
    second_claim: claims.exp,
  },
}
`

let server
let frontend
let sessionToken
let session

before(async () => {
  server = await start()
  frontend = new FrontendApi(new Configuration({ basePath: server.publicUrl }))
  await writeFile(join(server.folder, "claims.jsonnet"), MAPPER)
})

after(async () => {
  assert.equal(await server.stop(), 0, "SIGTERM ends the server in good order")
})

describe("the guide", { concurrency: false }, () => {
  test("a person registers and signs in with native flows", async () => {
    const registration = (await frontend.createNativeRegistrationFlow()).data
    const registered = (
      await frontend.updateRegistrationFlow({
        flow: registration.id,
        updateRegistrationFlowBody: {
          method: "password",
          password: "a rather long passphrase",
          traits: { email: "ada@example.test", name: { first: "Ada", last: "Lovelace" } },
        },
      })
    ).data
    assert.equal(registered.identity.traits.email, "ada@example.test")

    const login = (await frontend.createNativeLoginFlow()).data
    const signedIn = (
      await frontend.updateLoginFlow({
        flow: login.id,
        updateLoginFlowBody: {
          method: "password",
          identifier: "ada@example.test",
          password: "a rather long passphrase",
        },
      })
    ).data
    sessionToken = signedIn.session_token
    session = signedIn.session
    assert.match(sessionToken, /^ory_st_/)
  })

  test("its own lines make the key set, the template and the public set", async () => {
    const made = await server.sh(`
      ory create jwk some-example-set --alg ES256 --format json-pretty > es256.jwks.json
      JWKS_B64_ENCODED=$(cat es256.jwks.json | base64)
      JSONNET_B64_ENCODED=$(cat claims.jsonnet | base64)
      ory patch identity-config \\
        --add '/session/whoami/tokenizer/templates/jwt_example_template1={"jwks_url":"base64://'"$JWKS_B64_ENCODED"'","claims_mapper_url":"base64://'"$JSONNET_B64_ENCODED"'","ttl":"10m"}' \\
        --format yaml`)
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stdout, /jwt_example_template1/)

    const exported = await server.sh(
      "ory get jwk some-example-set --public --format json-pretty > es256-public.jwks.json",
    )
    assert.equal(exported.code, 0, exported.stderr)
  })

  test("with the variables unquoted, the shell's splitting is repaired and said", async () => {
    const made = await server.sh(`
      JWKS_B64_ENCODED=$(cat es256.jwks.json | base64)
      JSONNET_B64_ENCODED=$(cat claims.jsonnet | base64)
      ory patch identity-config {} \\
        --add '/session/whoami/tokenizer/templates/split={"jwks_url":"base64://'$JWKS_B64_ENCODED'","claims_mapper_url":"base64://'$JSONNET_B64_ENCODED'","ttl":"10m"}' \\
        --format yaml`)
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stderr, /quot/i)
    const { data } = await frontend.toSession({ xSessionToken: sessionToken, tokenizeAs: "split" })
    assert.ok(data.tokenized)
  })

  test("toSession gives the token, and jose verifies it with the exported set", async () => {
    const { data } = await frontend.toSession({
      xSessionToken: sessionToken,
      tokenizeAs: "jwt_example_template1",
    })
    assert.equal(data.id, session.id)
    const published = JSON.parse(await readFile(join(server.folder, "es256-public.jwks.json"), "utf8"))
    assert.ok(published.keys.every((key) => !("d" in key)), "no private member is exported")
    const { payload, protectedHeader } = await jwtVerify(data.tokenized, createLocalJWKSet(published), {
      issuer: `${server.publicUrl}/`,
      subject: data.identity.id,
      typ: "JWT",
    })
    assert.equal(protectedHeader.alg, "ES256")
    assert.equal(protectedHeader.kid, published.keys[0].kid)
    assert.equal(payload.foo, "baz")
    assert.equal(payload.sid, session.id)
    assert.equal(payload.schema_id, data.identity.schema_id)
    assert.equal(payload.aal, "aal1")
    assert.equal(payload.exp - payload.iat, 600)
    assert.equal(payload.second_claim, payload.exp)
  })

  test("PyJWT verifies it too", async () => {
    const { data } = await frontend.toSession({
      xSessionToken: sessionToken,
      tokenizeAs: "jwt_example_template1",
    })
    const printed = execFileSync(
      process.env.PYTHON ?? "python3",
      [new URL("verify.py", import.meta.url).pathname, join(server.folder, "es256-public.jwks.json"), `${server.publicUrl}/`],
      { input: data.tokenized, encoding: "utf8" },
    )
    assert.equal(JSON.parse(printed).sub, data.identity.id)
  })

  test("our own verifier agrees, and refuses a changed token", async () => {
    const { data } = await frontend.toSession({
      xSessionToken: sessionToken,
      tokenizeAs: "jwt_example_template1",
    })
    const good = await server.run("verify", data.tokenized, "--jwks", "es256-public.jwks.json")
    assert.equal(good.code, 0, good.stderr)
    const [header, payload, signature] = data.tokenized.split(".")
    const forged = [header, `${payload.slice(0, -2)}AA`, signature].join(".")
    const bad = await server.run("verify", forged, "--jwks", "es256-public.jwks.json")
    assert.equal(bad.code, 1)
    assert.notEqual(bad.stderr, "")
  })

  test("a stored set needs no private key in the configuration", async () => {
    const made = await server.run(
      "patch", "identity-config", "--format", "json",
      "--add", `/session/whoami/tokenizer/templates/stored={"jwks_url":"set://some-example-set","claims_mapper_url":"file://${server.folder}/claims.jsonnet","ttl":"1m"}`,
    )
    assert.equal(made.code, 0, made.stderr)
    const { data } = await frontend.toSession({ xSessionToken: sessionToken, tokenizeAs: "stored" })
    assert.ok(decodeProtectedHeader(data.tokenized).kid)
    assert.doesNotMatch(made.stdout, /"d":/)
    const refused = await server.run("delete", "jwk", "some-example-set", "--yes")
    assert.equal(refused.code, 1, "a set that a template uses stays")
    assert.match(refused.stderr, /stored/)
  })

  test("after signing out the token's session is gone", async () => {
    await frontend.performNativeLogout({ performNativeLogoutBody: { session_token: sessionToken } })
    await assert.rejects(
      frontend.toSession({ xSessionToken: sessionToken, tokenizeAs: "jwt_example_template1" }),
      (error) => error.response.status === 401,
    )
  })
})

describe("the SDK's admin classes", () => {
  test("JwkApi makes, reads and deletes sets", async () => {
    const keys = new JwkApi(new Configuration({ basePath: server.adminUrl }))
    const made = (
      await keys.createJsonWebKeySet({
        set: "by-sdk",
        createJsonWebKeySet: { alg: "EdDSA", kid: "first", use: "sig" },
      })
    ).data
    assert.deepEqual(made.keys.map((key) => key.kid), ["first"])
    assert.equal((await keys.getJsonWebKey({ set: "by-sdk", kid: "first" })).data.keys.length, 1)
    await keys.deleteJsonWebKeySet({ set: "by-sdk" })
    await assert.rejects(keys.getJsonWebKeySet({ set: "by-sdk" }), (error) => error.response.status === 404)
  })

  test("ProjectApi reads and patches the one project", async () => {
    const projects = new ProjectApi(new Configuration({ basePath: server.adminUrl }))
    const patched = (
      await projects.patchProject({
        projectId: "default",
        jsonPatch: [{ op: "add", path: "/services/identity/config/session/lifespan", value: "12h" }],
      })
    ).data
    assert.equal(patched.project.services.identity.config.session.lifespan, "12h")
    assert.equal((await projects.getProject({ projectId: patched.project.id })).data.slug, "default")
  })

  test("IdentityApi makes, lists and deletes identities and their sessions", async () => {
    const identities = new IdentityApi(new Configuration({ basePath: server.adminUrl }))
    const made = (
      await identities.createIdentity({
        createIdentityBody: {
          schema_id: "default",
          traits: { email: "grace@example.test" },
          credentials: { password: { config: { password: "another long passphrase" } } },
        },
      })
    ).data
    const found = (
      await identities.listIdentities({ credentialsIdentifier: "grace@example.test" })
    ).data
    assert.deepEqual(found.map((identity) => identity.id), [made.id])

    const login = (await frontend.createNativeLoginFlow()).data
    const { data: signedIn } = await frontend.updateLoginFlow({
      flow: login.id,
      updateLoginFlowBody: {
        method: "password",
        identifier: "grace@example.test",
        password: "another long passphrase",
      },
    })
    const given = await identities.createRecoveryCodeForIdentity({
      createRecoveryCodeForIdentityBody: { identity_id: made.id, expires_in: "1h", flow_type: "api" },
    })
    assert.equal(given.status, 201)
    assert.match(given.data.recovery_code, /^\d{6}$/)
    const flow = new URL(given.data.recovery_link).searchParams.get("flow")
    const recovered = await frontend.updateRecoveryFlow(
      { flow, updateRecoveryFlowBody: { method: "code", code: given.data.recovery_code } },
      { validateStatus: (status) => status === 422 },
    )
    assert.equal(recovered.data.continue_with[0].action, "set_ory_session_token")
    const again = { flow, updateRecoveryFlowBody: { method: "code", code: given.data.recovery_code } }
    await assert.rejects(frontend.updateRecoveryFlow(again), (error) => error.response.status >= 400)

    const sessions = (await identities.listIdentitySessions({ id: made.id })).data
    assert.equal(sessions.length, 2)
    const session = sessions.find(({ authentication_methods: [first] }) => first.method === "password")
    await identities.disableSession({ id: session.id })
    await assert.rejects(
      frontend.toSession({ xSessionToken: signedIn.session_token }),
      (error) => error.response.status === 401,
    )
    await identities.deleteIdentity({ id: made.id })
    await assert.rejects(identities.getIdentity({ id: made.id }), (error) => error.response.status === 404)
  })
})
