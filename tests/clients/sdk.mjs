// Ory's own client as people's programs use it: in a browser, which keeps cookies, and in an app, which keeps the token of
// its session.

import assert from "node:assert/strict"
import { createHmac } from "node:crypto"

import { Configuration, FrontendApi } from "@ory/client"

// Whatever is answered, the test judges it.
const ANY_STATUS = { validateStatus: () => true }

/** The value of a field, or the context of a text, in a flow's form. */
export function field(flow, name) {
  const node = flow.ui.nodes.find(({ attributes }) => attributes.name === name || attributes.id === name)
  return node?.attributes.value ?? node?.attributes.text?.context
}

/** The numbers of the messages that a flow has, at its fields too. */
export function messages(flow) {
  return [...(flow.ui.messages ?? []), ...flow.ui.nodes.flatMap((node) => node.messages ?? [])].map(({ id }) => id)
}

/** What an authenticator app shows (RFC 6238). */
export function totp(secret, steps = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("")
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps))
  const hash = createHmac("sha1", key).update(counter).digest()
  return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0")
}

/** What a browser and an app have in common. */
class Client {
  constructor(server) {
    this.server = server
    this.frontend = new FrontendApi(new Configuration({ basePath: server.publicUrl }))
  }

  /** Begins a flow and submits it. */
  async submit(kind, body, query = {}) {
    return this.go_on(kind, (await this.begin(kind, query)).id, body)
  }
}

/** A browser, for which methods of FrontendApi are called with its cookies. */
export class Browser extends Client {
  /** By the host that has set them. */
  jars = new Map()

  constructor(server, base) {
    super(server)
    this.base = base
  }

  jar(url) {
    const { host } = new URL(url)
    if (!this.jars.has(host)) this.jars.set(host, new Map())
    return this.jars.get(host)
  }

  get cookies() {
    return this.jar(this.server.publicUrl)
  }

  headers(url) {
    return { Cookie: [...this.jar(url)].map(([name, value]) => `${name}=${value}`).join("; ") }
  }

  keep(url, lines) {
    for (const line of lines) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      if (value) this.jar(url).set(name, value)
      else this.jar(url).delete(name)
    }
  }

  async call(method, parameters = {}) {
    const { publicUrl } = this.server
    const answer = await this.frontend[method](parameters, { headers: this.headers(publicUrl), ...ANY_STATUS })
    this.keep(publicUrl, answer.headers["set-cookie"] ?? [])
    return answer
  }

  /** Begins a flow. */
  async begin(kind, query = {}) {
    const { status, data } = await this.call(`createBrowser${kind}Flow`, query)
    assert.equal(status, 200, JSON.stringify(data))
    return data
  }

  /** Reads a flow again and submits it. */
  async go_on(kind, id, body) {
    const { data } = await this.call(`get${kind}Flow`, { id })
    assert.equal(data.id, id)
    const complete = { csrf_token: field(data, "csrf_token"), ...body }
    return this.call(`update${kind}Flow`, { flow: id, [`update${kind}FlowBody`]: complete })
  }

  async whoami(parameters = {}) {
    const { status, data } = await this.call("toSession", parameters)
    return { status, data }
  }

  /** Opens a page, as a link or a redirection leads there. */
  async fetch(url, options = {}) {
    const there = this.base && url.startsWith(this.base) ? url.replace(this.base, this.server.publicUrl) : url
    const headers = { Accept: "text/html", ...options.headers, ...this.headers(there) }
    const answer = await fetch(there, { ...options, headers, redirect: "manual" })
    this.keep(there, answer.headers.getSetCookie())
    return answer
  }

  /** Signs in at a provider and consents. Gives where the browser is sent back to. */
  async consent(url, login) {
    while (!url.startsWith(this.base)) {
      const answer = await this.fetch(url)
      if (answer.status >= 300) {
        url = new URL(answer.headers.get("location"), url).href
        continue
      }
      const page = await answer.text()
      const action = new URL(/<form[^>]*action="([^"]*)"/.exec(page)[1], url).href
      const hidden = [...page.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, value])
      const body = new URLSearchParams([...hidden, ["login", login], ["password", "any"]])
      const sent = await this.fetch(action, { method: "POST", body })
      url = new URL(sent.headers.get("location"), action).href
    }
    return url
  }
}

/** An app, which keeps the token of its session. */
export class App extends Client {
  token = undefined

  /** Begins a flow. */
  async begin(kind, query = {}) {
    const begin = { xSessionToken: this.token, ...query }
    const { status, data } = await this.frontend[`createNative${kind}Flow`](begin, ANY_STATUS)
    assert.equal(status, 200, JSON.stringify(data))
    return data
  }

  /** Submits a flow that is there, and keeps the token that comes of it. */
  async go_on(kind, flow, body) {
    const parameters = { flow, [`update${kind}FlowBody`]: body, xSessionToken: this.token }
    const answer = await this.frontend[`update${kind}Flow`](parameters, ANY_STATUS)
    const next = (answer.data.continue_with ?? []).find(({ action }) => action === "set_ory_session_token")
    this.token = answer.data.session_token ?? next?.ory_session_token ?? this.token
    return answer
  }

  async whoami(parameters = {}) {
    const { status, data } = await this.frontend.toSession({ xSessionToken: this.token, ...parameters }, ANY_STATUS)
    return { status, data }
  }
}
