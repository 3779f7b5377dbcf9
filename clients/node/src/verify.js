import { promisify } from "node:util"
import { inflate } from "node:zlib"
import { decodeProtectedHeader, importJWK, jwtVerify } from "jose"

import { RefusedError, UnavailableError } from "./errors.js"
import { settled } from "./settings.js"
import { Shared } from "./shared.js"

const MAX_TOKEN = 16_384
const MAX_ANSWER = 1_048_576
const PATIENCE_MS = 10_000
/** How long an answer is kept that does not say it, in seconds. */
const USUAL_AGE = 300
/** How long after the keys were asked for an unknown one makes them be asked for again, in seconds. */
const PAUSE = 10
const MAX_LIST = 131_072
const TYPES = [undefined, "JWT", "at+jwt"]

/** Verifies tokens of one issuer for one audience. Make one, and keep it: it keeps the keys. */
export class Verifier {
  #settings
  #description = { until: 0 }
  #keys
  #lists = new Map()

  constructor(settings) {
    const usual = { algorithms: ["ES256"], leeway: 5, statusList: false, checks: [], fetch, now: () => Date.now() / 1000 }
    this.#settings = settled("verifier", ["issuer", "audience"], usual, settings)
    if (this.#settings.algorithms.some((name) => !/^((ES|RS|PS)\d{3}|EdDSA)$/.test(name))) {
      throw new TypeError("algorithms must be asymmetric ones, such as ES256")
    }
    this.#keys = new Shared(this.#settings.now)
  }

  /** The claims of a good token. Any other one is a RefusedError or an UnavailableError. */
  async verify(token) {
    if (token === undefined || token === null || token === "") throw new RefusedError("there is no token")
    if (typeof token !== "string") throw new RefusedError("the token is no text")
    if (token.length > MAX_TOKEN) throw new RefusedError("the token is too long")
    const { issuer, audience, statusList, checks } = this.#settings
    const claims = await this.#checked(token, TYPES, { issuer, audience, requiredClaims: ["exp", "sub"] })
    if (typeof claims.sub !== "string" || claims.sub === "") throw new RefusedError("the token has no subject")
    if (statusList) await this.#checkStatus(claims.status?.status_list)
    for (const further of checks) await further.check(claims)
    return claims
  }

  /** Checks form, type, key, signature, times and what `expected` says. */
  async #checked(token, types, expected) {
    const { algorithms, leeway: clockTolerance, now } = this.#settings
    try {
      if (/^Bearer /i.test(token)) throw new Error('a token without "Bearer " in front is expected')
      if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) throw new Error("it has not three parts")
      const { alg, kid, typ, crit } = decodeProtectedHeader(token)
      if (!algorithms.includes(alg)) throw new Error("its algorithm is not allowed")
      if (token.endsWith(".")) throw new Error("it has no signature")
      if (typeof kid !== "string") throw new Error("its header names no key (kid)")
      if (crit || !types.includes(typ)) throw new Error("it is of another type")
      const jwk = await this.#key(kid)
      if ((jwk.use ?? "sig") !== "sig" || (jwk.alg ?? alg) !== alg) throw new Error("its key is for something else")
      const options = { ...expected, algorithms: [alg], clockTolerance, currentDate: new Date(now() * 1000) }
      return (await jwtVerify(token, await importJWK(jwk, alg), options)).payload
    } catch (cause) {
      if (cause instanceof UnavailableError) throw cause
      throw new RefusedError(`the token is not good: ${cause.message}`, { cause })
    }
  }

  /** The published key with an id. One that is unknown makes the keys be asked for once more. */
  async #key(kid) {
    const find = (keys) => keys?.set.find((key) => key?.kid === kid)
    const now = this.#settings.now()
    const known = this.#keys.value
    const serves = known && now < known.until && (find(known) || now - known.asked < PAUSE)
    const key = find(serves ? known : await this.#keys.after(known, () => this.#askForKeys()))
    if (!key) throw new Error("its key is not known")
    return key
  }

  async #askForKeys() {
    const asked = this.#settings.now()
    if (asked >= this.#description.until) this.#description = await this.#discover()
    const { value, until } = await this.#get(this.#description.uri, JSON.parse)
    if (!Array.isArray(value?.keys)) throw new UnavailableError(`${this.#description.uri} is no key set`)
    return { set: value.keys, until, asked }
  }

  async #discover() {
    const { issuer } = this.#settings
    const address = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`
    const { value, until } = await this.#get(address, JSON.parse)
    if (value?.issuer !== issuer) {
      // Mostly a slash at the end is too much or missing.
      const found = String(value?.issuer).slice(0, 200)
      throw new UnavailableError(`${address} describes "${found}" and not "${issuer}"; both must be the same to the letter`)
    }
    const uri = String(value.jwks_uri)
    if (!isAsSafe(uri, address)) throw new UnavailableError(`${address} names no safe address of keys`)
    return { uri, until }
  }

  async #get(address, read) {
    const asked = this.#settings.now()
    try {
      const options = { signal: AbortSignal.timeout(PATIENCE_MS), redirect: "error" }
      const answer = await this.#settings.fetch(address, options)
      if (answer.status !== 200) throw new Error(`it answers ${answer.status}`)
      const text = await answer.text()
      if (text.length > MAX_ANSWER) throw new Error("the answer is too long")
      return { value: read(text), until: asked + age(answer.headers.get("cache-control") ?? "") }
    } catch (cause) {
      throw new UnavailableError(`${address} cannot be had: ${cause.message}`, { cause })
    }
  }

  /** Refuses a token whose session is over, as the list says that the token names. */
  async #checkStatus({ idx, uri } = {}) {
    if (!Number.isSafeInteger(idx) || idx < 0 || typeof uri !== "string") throw new RefusedError("it has no status")
    const bits = await this.#list(uri)
    // A list that does not reach so far says nothing good.
    if (((bits[Math.floor(idx / 8)] ?? 0xff) >> idx % 8) & 1) throw new RefusedError("the session is over")
  }

  async #list(uri) {
    const { now } = this.#settings
    if (!this.#lists.has(uri)) this.#lists.set(uri, new Shared(now))
    const list = this.#lists.get(uri)
    const known = list.value
    return (known && now() < known.until ? known : await list.after(known, () => this.#askForList(uri))).bits
  }

  async #askForList(uri) {
    const asked = this.#settings.now()
    if (!isAsSafe(uri, this.#settings.issuer)) throw new UnavailableError(`${uri} is less safe than the issuer`)
    const { value } = await this.#get(uri, String)
    try {
      const expected = { subject: uri, requiredClaims: ["exp"] }
      const { exp, ttl = 0, status_list: list } = await this.#checked(value.trim(), ["statuslist+jwt"], expected)
      if (list?.bits !== 1) throw new Error("its statuses are not bits")
      const bits = await promisify(inflate)(Buffer.from(list.lst, "base64url"), { maxOutputLength: MAX_LIST })
      return { bits, until: Math.min(exp, asked + ttl) }
    } catch (cause) {
      throw new UnavailableError(`the list at ${uri} is not good: ${cause.message}`, { cause })
    }
  }
}

/** How long an answer may be kept, in seconds. */
function age(cacheControl) {
  if (/\bno-(store|cache)\b/i.test(cacheControl)) return 0
  return Number(/\bmax-age=(\d+)/i.exec(cacheControl)?.[1] ?? USUAL_AGE)
}

/** Whether an address is encrypted, unless the one that names it is not either. */
function isAsSafe(address, namedBy) {
  return address.startsWith("https://") || (address.startsWith("http://") && namedBy.startsWith("http://"))
}
