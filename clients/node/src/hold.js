import { decodeJwt } from "jose"

import { SessionGoneError, UnavailableError } from "./errors.js"

/** The part of a token's life after which it is renewed. */
const RENEWED_AT = 0.75
/** How long after a renewal that failed the next one is tried while the token is good, in seconds. */
const PAUSE = 5
const PATIENCE_MS = 10_000

/** Holds a token of one session and template, and renews it in time. */
export class TokenHolder {
  #address
  #headers
  #fetch
  #elapsed
  #held
  #renewing
  #pausedUntil = -Infinity
  #gone

  constructor({ server, template, sessionToken, fetch, elapsed }) {
    this.#address = `${server.replace(/\/$/, "")}/sessions/whoami?tokenize_as=${encodeURIComponent(template)}`
    this.#headers = { accept: "application/json", ...(sessionToken && { "x-session-token": sessionToken }) }
    this.#fetch = fetch ?? globalThis.fetch.bind(globalThis)
    // The clock on the wall may be wrong, and is set now and then. This one only goes on.
    this.#elapsed = elapsed ?? (() => performance.now() / 1000)
  }

  /** A token that is good now. It is a SessionGoneError when the person has to sign in. */
  async token() {
    if (this.#gone) throw this.#gone
    const held = this.#held
    const now = this.#elapsed()
    if (held && now < held.renewAt) return held.token
    const isGood = held && now < held.endsAt
    if (isGood && now < this.#pausedUntil) return held.token
    try {
      return (await this.#renew()).token
    } catch (error) {
      if (isGood && !this.#gone) return held.token
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
    try {
      if (this.#held?.token === token) await this.#renew()
    } catch (error) {
      if (this.#gone) throw error
      return answer
    }
    await answer.body?.cancel()
    return this.#send(again, init, this.#held.token)
  }

  #send(input, init, token) {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    headers.set("authorization", `Bearer ${token}`)
    return this.#fetch(input, { ...init, headers })
  }

  /** Fetches a new token; all who need one meanwhile wait for the same answer. */
  #renew() {
    return (this.#renewing ??= this.#obtain().finally(() => (this.#renewing = undefined)))
  }

  async #obtain() {
    const asked = this.#elapsed()
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const options = { headers: this.#headers, credentials: "include", cache: "no-store", signal }
      const answer = await this.#fetch(this.#address, options)
      if (answer.status === 401 || answer.status === 403) {
        this.#held = undefined
        this.#gone = new SessionGoneError(`the session gives no token: the server answers ${answer.status}`)
        throw this.#gone
      }
      if (answer.status !== 200) throw new Error(`the server answers ${answer.status}`)
      const { tokenized: token } = await answer.json()
      const { exp, iat } = decodeJwt(token)
      const life = exp - iat
      if (!(life > 0)) throw new Error("the token does not say how long it lives")
      this.#held = { token, renewAt: asked + life * RENEWED_AT, endsAt: asked + life }
      return this.#held
    } catch (cause) {
      if (this.#gone) throw this.#gone
      this.#pausedUntil = asked + PAUSE
      throw new UnavailableError(`no token can be had: ${cause.message}`, { cause })
    }
  }
}
