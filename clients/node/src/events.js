import { RefusedError, UnavailableError } from "./errors.js"
import { settled } from "./settings.js"

const MAX_EVENT = 1_048_576
/** A connection that is quiet gets a comment every 15 seconds. */
const MAX_SILENCE = 30
/** How long after a connection that ended the next one is made, in milliseconds. */
const PAUSE_MS = 1000
/** How far the clock of the server may differ, and how much longer than a token lives is remembered that it is over, in seconds. */
const SLACK = 60

/** Sessions that have ended, and for people, or `undefined` for everybody, the last moment before which a token is refused, for
 * each session that was left out. */
const nothing = () => ({ sessions: new Set(), people: new Map() })

/** Knows which sessions have ended, within a second of their end. Make one, run it, and give it to a verifier. */
export class Follower {
  #settings
  #last
  #text = ""
  #isCaughtUp = false
  #heard = -Infinity
  #ended = nothing()
  #older = nothing()
  #turned = 0

  constructor(settings) {
    const usual = { token: "", longest: NaN, fetch: (...asked) => fetch(...asked), now: () => Date.now() / 1000, lost: () => {}, after: undefined }
    const all = settled("follower", ["admin"], usual, settings)
    if (typeof all.longest !== "number" || !(all.longest > 0 && all.longest < Infinity)) {
      throw new TypeError('a follower needs the setting "longest": how many seconds a token lives at the most')
    }
    this.#settings = { ...all, admin: all.admin.replace(/\/$/, "") }
    this.#last = all.after
  }

  /** Follows until the signal says to stop. `lost` is told why a connection failed; each that ends is made anew. */
  async run(signal) {
    while (!signal?.aborted) {
      const ended = new AbortController()
      const stop = () => ended.abort()
      signal?.addEventListener("abort", stop)
      await this.#follow(ended).catch((error) => signal?.aborted || this.#settings.lost(error))
      signal?.removeEventListener("abort", stop)
      if (!signal?.aborted) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  /** Refuses claims whose session has ended. Nobody can say so while the events cannot be had. */
  check({ sub, sid, iat, exp }) {
    const { longest, now } = this.#settings
    if (typeof sid !== "string" || typeof iat !== "number" || exp - iat > longest) {
      throw new RefusedError("the token names no session, or it lives longer than what has ended is remembered")
    }
    if (now() - this.#heard > MAX_SILENCE) throw new UnavailableError("nobody knows which sessions have ended")
    const isEnded = ({ sessions, people }) =>
      sessions.has(sid) ||
      [sub, undefined].some((person) => [...(people.get(person) ?? [])].some(([except, at]) => except !== sid && iat <= at))
    if (isEnded(this.#ended) || isEnded(this.#older)) throw new RefusedError("the session has ended")
  }

  /** Makes a connection and hears all of it. One that is lost without a word is given up. */
  async #follow(ended) {
    let watch = setTimeout(() => ended.abort(), MAX_SILENCE * 1000)
    try {
      await this.#begin(ended.signal)
      const answer = await this.#ask("/admin/events?outcome=done", ended.signal, { "last-event-id": String(this.connected()) })
      const reader = answer.body.getReader()
      // The signal alone does not always reach an answer that goes on: Node may have forgotten its request.
      ended.signal.addEventListener("abort", () => reader.cancel().catch(() => {}))
      const decoder = new TextDecoder()
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        watch.refresh()
        this.hear(decoder.decode(part.value, { stream: true }))
      }
      if (ended.signal.aborted) throw new Error("nothing was heard for too long")
    } finally {
      clearTimeout(watch)
      ended.abort()
    }
  }

  /** Finds out, once, behind which event to begin: what has to be known is what happened while a token was good that still is. */
  async #begin(signal) {
    if (this.#last !== undefined) return
    const until = new Date((this.#settings.now() - this.#settings.longest - SLACK) * 1000).toISOString()
    const [entry] = await (await this.#ask(`/admin/audit?page_size=1&until=${until}`, signal)).json()
    this.#last = entry?.number ?? 0
  }

  async #ask(path, signal, headers = {}) {
    const { admin, token, fetch } = this.#settings
    const credential = token === "" ? {} : { authorization: `Bearer ${token}` }
    const options = { headers: { ...headers, ...credential }, redirect: "error", cache: "no-store", signal }
    const answer = await fetch(admin + path, options)
    // The record has not reached what was heard: it is another one, as after a backup was brought back.
    if (answer.status === 400) this.#forget()
    if (answer.status !== 200) throw new Error(`the events cannot be followed: the server answers ${answer.status}`)
    return answer
  }

  /** Knows nothing, and begins as a new one does. */
  #forget() {
    ;[this.#last, this.#heard, this.#turned] = [undefined, -Infinity, 0]
    ;[this.#ended, this.#older] = [nothing(), nothing()]
  }

  /** Begins anew, and gives the number behind which to go on. `run` calls it. */
  connected() {
    this.#text = ""
    this.#isCaughtUp = false
    return this.#last
  }

  /** Takes in a part of the events. `run` calls it. */
  hear(part) {
    const events = (this.#text + part).split("\n\n")
    this.#text = events.pop()
    if (this.#text.length > MAX_EVENT) throw new Error("an event is too long")
    for (const event of events) this.#note(event)
  }

  #note(event) {
    if (event === ": caught up") this.#isCaughtUp = true
    const [, data] = /^data: (.*)$/m.exec(event) ?? []
    if (data) this.#remember(JSON.parse(data))
    // What happened before is not known until all of it is read.
    if (this.#isCaughtUp) this.#heard = this.#settings.now()
  }

  #remember({ number, at, action, outcome, about }) {
    this.#last = number
    const now = this.#settings.now()
    // Twice at the most: what has ended stays in memory for as long as its tokens may live.
    if (now - this.#turned > this.#settings.longest + SLACK) {
      ;[this.#ended, this.#older, this.#turned] = [nothing(), this.#ended, now]
    }
    const { session_id: session, identity_id: person, except, state } = about
    const isOff = action === "identity_changed" && state === "inactive"
    if (outcome !== "done") return
    if (action === "session_ended") this.#ended.sessions.add(session)
    if (action === "sessions_ended" || action === "identity_deleted" || isOff) {
      const ends = this.#ended.people.get(person) ?? new Map()
      this.#ended.people.set(person, ends.set(except, Date.parse(at) / 1000))
    }
  }
}
