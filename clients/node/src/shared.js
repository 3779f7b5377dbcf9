import { UnavailableError } from "./errors.js"

/** How long after a question that failed nobody asks again, in seconds. */
const REST = 5

/** Something that is asked for. All who need it meanwhile wait for the same answer, and who comes soon after a failure does not wait. */
export class Shared {
  /** What the last good answer was. */
  value
  #now
  #asking
  #failedAt
  #failure

  /** `now` gives seconds. */
  constructor(now) {
    this.#now = now
  }

  /** What follows a value that does not serve any more. */
  async after(seen, ask) {
    if (this.value !== seen) return this.value
    const since = this.#now() - this.#failedAt
    // A clock that was set back must not make it longer.
    if (!this.#asking && since >= 0 && since < REST) throw new UnavailableError(this.#failure)
    return (this.#asking ??= this.#ask(ask).finally(() => (this.#asking = undefined)))
  }

  async #ask(ask) {
    try {
      return (this.value = await ask())
    } catch (error) {
      if (error instanceof UnavailableError) [this.#failure, this.#failedAt] = [error.message, this.#now()]
      throw error
    }
  }
}
