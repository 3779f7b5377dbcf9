import { decodeJwt } from "jose"

import { SessionGoneError, UnavailableError } from "./errors.js"
import { settled } from "./settings.js"
import { Shared } from "./shared.js"

/** The part of a token's life after which it is renewed. */
const RENEWED_AT = 0.75
const PATIENCE_MS = 10_000

/** Holds a token of one session and template, and renews it in time. */
export class TokenHolder {
  #address
  #headers
  #fetch
  #elapsed
  #held
  #gone

  constructor(settings) {
    const usual = { sessionToken: undefined, fetch: undefined, elapsed: undefined }
    const { server, template, sessionToken, fetch, elapsed } = settled("holder", ["server", "template"], usual, settings)
    this.#address = `${server.replace(/\/$/, "")}/sessions/whoami?tokenize_as=${encodeURIComponent(template)}`
    this.#headers = { accept: "application/json", ...(sessionToken && { "x-session-token": sessionToken }) }
    this.#fetch = fetch ?? globalThis.fetch.bind(globalThis)
    // The clock on the wall may be wrong, and is set now and then. This one only goes on.
    this.#elapsed = elapsed ?? (() => performance.now() / 1000)
    this.#held = new Shared(this.#elapsed)
  }

  /** A token that is good now. It is a SessionGoneError when the person has to sign in. */
  async token() {
    if (this.#gone) throw this.#gone
    const held = this.#held.value
    if (held && this.#elapsed() < held.renewAt) return held.token
    try {
      return (await this.#after(held)).token
    } catch (error) {
      if (held && this.#elapsed() < held.endsAt && !this.#gone) return held.token
      throw error
    }
  }

  /** `fetch` with the token. An answer 401 makes a new token be fetched and the request be sent once more. */
  async fetch(input, init) {
    const token = await this.token()
    // A body that flows can be sent only once.
    const isOnce = init?.body instanceof ReadableStream
    const again = input instanceof Request && !isOnce ? input.clone() : input
    const answer = await this.#send(input, init, token)
    if (answer.status !== 401 || isOnce) return answer
    let newer
    try {
      const held = this.#held.value
      newer = held?.token === token ? await this.#after(held) : held
    } catch (error) {
      if (this.#gone) throw error
      return answer
    }
    await answer.body?.cancel()
    return this.#send(again, init, newer.token)
  }

  #send(input, init, token) {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    headers.set("authorization", `Bearer ${token}`)
    return this.#fetch(input, { ...init, headers })
  }

  /** The token that follows one that does not serve any more. */
  #after(held) {
    return this.#held.after(held, () => this.#obtain())
  }

  async #obtain() {
    const asked = this.#elapsed()
    try {
      if (this.#gone) throw this.#gone
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const options = { headers: this.#headers, credentials: "include", cache: "no-store", signal }
      const answer = await this.#fetch(this.#address, options)
      if (answer.status === 401 || answer.status === 403) {
        this.#gone = new SessionGoneError(`the session gives no token: the server answers ${answer.status}`)
        throw this.#gone
      }
      if (answer.status !== 200) throw new Error(`the server answers ${answer.status}${await reason(answer)}`)
      const { tokenized: token } = await answer.json()
      const { exp, iat } = decodeJwt(token)
      const life = exp - iat
      if (!(life > 0)) throw new Error("the token does not say how long it lives")
      return { token, renewAt: asked + life * RENEWED_AT, endsAt: asked + life }
    } catch (cause) {
      if (this.#gone) throw this.#gone
      throw new UnavailableError(`no token can be had: ${cause.message}`, { cause })
    }
  }
}

/** What a server says about an answer that is no token, behind a colon. */
async function reason(answer) {
  const { error } = await answer.json().then(Object, () => ({}))
  const why = [error?.reason, error?.message].find((text) => typeof text === "string" && text)
  return why ? `: ${why.slice(0, 500)}` : ""
}
