import type { Claims } from "./index.js"

export interface FollowerSettings {
  /** The address of the admin API. */
  admin: string
  /** An admin token of the role viewer; none for a server whose admin API asks for none. */
  token?: string
  /** How long a token lives at the most, in seconds. */
  longest: number
  /** Is told why a connection failed. */
  lost?: (error: Error) => void
  fetch?: typeof fetch
  /** The time in seconds since 1970. */
  now?: () => number
  /** The number of the event behind which to begin; it is found out unless it is said. */
  after?: number
}

/** Knows which sessions have ended; for `checks` of a verifier. */
export class Follower {
  constructor(settings: FollowerSettings)
  /** Follows until the signal says to stop. */
  run(signal?: AbortSignal): Promise<void>
  /** Throws RefusedError or UnavailableError. */
  check(claims: Claims): void
}
