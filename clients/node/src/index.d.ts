/** The token is not good. Answer 401; asking again with the same token changes nothing. */
export class RefusedError extends Error {}
/** Nobody can say now whether the token is good, or no new one can be had. Answer 503; later it may work. */
export class UnavailableError extends Error {}
/** The session is over, or it asks for a proof that is missing. The person has to sign in. */
export class SessionGoneError extends Error {}

export interface Claims {
  iss: string
  sub: string
  aud: string | string[]
  exp: number
  sid?: string
  [name: string]: unknown
}

export interface Check {
  /** Throws, or rejects with, RefusedError or UnavailableError. */
  check(claims: Claims): void | Promise<void>
}

export interface VerifierSettings {
  /** The issuer, byte for byte as tokens name it. */
  issuer: string
  /** The audience of your template. */
  audience: string
  /** The algorithms that the template may have; `["ES256"]` unless it is said. */
  algorithms?: string[]
  /** How far clocks may differ, in seconds; 5 unless it is said. */
  leeway?: number
  /** Whether every token must have a status, and its list is read. */
  statusList?: boolean
  /** Further looks at the claims of a token that is good otherwise, such as a Follower. */
  checks?: Check[]
  fetch?: typeof fetch
  /** The time in seconds since 1970. */
  now?: () => number
}

export class Verifier {
  constructor(settings: VerifierSettings)
  /** The claims of a good token; rejects with RefusedError or UnavailableError. */
  verify(token: string): Promise<Claims>
}

export interface HolderSettings {
  /** The public address of Sessera. */
  server: string
  template: string
  /** The session token of a native app; without it the session cookie counts. */
  sessionToken?: string
  fetch?: typeof fetch
  /** Seconds of a clock that only goes on. */
  elapsed?: () => number
}

export class TokenHolder {
  constructor(settings: HolderSettings)
  /** A token that is good now; rejects with SessionGoneError or UnavailableError. */
  token(): Promise<string>
  /** `fetch` with the token, and once more after an answer 401. */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>
}

/** A middleware of Express that sets `request.claims`. */
export function express(verifier: Verifier): (request: any, response: any, next: () => void) => Promise<void>
/** A hook `onRequest` of Fastify that sets `request.claims`. */
export function fastify(verifier: Verifier): (request: any, reply: any) => Promise<unknown>
/** A guard for middleware and route handlers of Next. */
export function next(
  verifier: Verifier,
): (request: Request) => Promise<{ claims: Claims; response?: undefined } | { claims?: undefined; response: Response }>
