// Compiled, not run: the types say what people write.

import { Follower } from "@sessera/tokens/events"
import { TokenHolder, Verifier, express, next } from "@sessera/tokens"

const verifier = new Verifier({ issuer: "https://id.example.org/", audience: "https://api.example.org", statusList: true })
const follower = new Follower({ admin: "http://127.0.0.1:4434", token: "x", longest: 600 })
new Verifier({ issuer: "https://id.example.org/", audience: "https://api.example.org", checks: [follower] })
const subject: string = (await verifier.verify("x")).sub
const holder = new TokenHolder({ server: "https://id.example.org", template: "api" })
const answer: Response = await holder.fetch("https://api.example.org/", { method: "POST", body: subject })
const { claims, response } = await next(verifier)(new Request("https://api.example.org/"))
export default [express(verifier), answer, claims?.sub ?? response?.status]
// @ts-expect-error: a verifier without an audience takes tokens that are meant for others
new Verifier({ issuer: "https://id.example.org/" })
