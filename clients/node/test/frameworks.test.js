// The adapters in real frameworks, with a verifier that knows one token.

import assert from "node:assert/strict"
import { test } from "node:test"

import Express from "express"
import Fastify from "fastify"

import { RefusedError, UnavailableError, express, fastify, next } from "../src/index.js"

const verifier = {
  async verify(token) {
    if (token === "away") throw new UnavailableError("the keys cannot be had")
    if (token !== "good.good.good") throw new RefusedError("the token is not good")
    return { sub: "ada" }
  },
}

/** Asks with each kind of header, and compares statuses and the subject. */
async function judges(ask) {
  const statuses = []
  for (const authorization of [undefined, "Basic eDp5", "Bearer", "Bearer bad", "Bearer away", "bearer good.good.good"]) {
    const answer = await ask(authorization ? { authorization } : {})
    statuses.push(answer.status)
    if (answer.status === 200) assert.equal(await answer.text(), "ada")
    if (answer.status === 401) assert.equal(answer.headers.get("www-authenticate"), "Bearer")
  }
  assert.deepEqual(statuses, [401, 401, 401, 401, 503, 200])
}

test("Express", async () => {
  const app = Express().use(express(verifier))
  app.get("/", (request, response) => response.send(request.claims.sub))
  const server = app.listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  await judges((headers) => fetch(`http://127.0.0.1:${server.address().port}/`, { headers }))
  server.closeAllConnections()
  server.close()
})

test("Fastify", async () => {
  const app = Fastify()
  app.addHook("onRequest", fastify(verifier))
  app.get("/", (request) => request.claims.sub)
  await judges(async (headers) => {
    const { statusCode: status, body, headers: given } = await app.inject({ url: "/", headers })
    return new Response(body, { status, headers: given })
  })
})

test("Next", async () => {
  const guard = next(verifier)
  await judges(async (headers) => {
    const { claims, response } = await guard(new Request("http://127.0.0.1/", { headers }))
    return response ?? new Response(claims.sub)
  })
})
