/**
 * Who has asked for a job, found none, and is not told so yet. The answer waits until all
 * that has come with the question is worked off, and a little longer where nothing is lost
 * by that. If a job comes meanwhile, NO_JOB, PRE_SLEEP, NOOP and a second GRAB_JOB are not
 * said at all; and saying things is what costs a job server most.
 *
 * A new job stays in its queue while more comes, so that priorities count among all that
 * has come together. Sleepers are woken for it if those who have asked leave it there.
 *
 * @since 0.1.0
 */
import type { ServerFunction } from "./Functions.ts"
import type { Session } from "./Session.ts"

// Each new job looks for one of those that wait; more of them are told at once.
const maxHeld = 64

/**
 * The questions that are open.
 *
 * @since 0.1.0
 * @category models
 */
export class Grabs {
  private readonly held = new Set<Session>()
  /** Jobs of each function for which nobody was woken because somebody has asked already. */
  private readonly saved = new Map<ServerFunction, number>()

  get size(): number {
    return this.held.size
  }

  /** Who has asked first comes first. */
  [Symbol.iterator](): Iterator<Session> {
    return this.held.values()
  }

  /** Puts the answer off, if that is possible. */
  hold(session: Session, grabType: number): boolean {
    if (session.abilities.size === 0 || this.held.size >= maxHeld) return false
    session.heldGrab = grabType
    this.held.add(session)
    return true
  }

  /** The connection waits no more; returns how it had asked. */
  release(session: Session): number {
    const grabType = session.heldGrab
    session.heldGrab = 0
    this.held.delete(session)
    return grabType
  }

  /** Whether a new job of the function may be for one that waits. Then nobody else is woken yet. */
  save(fn: ServerFunction): boolean {
    for (const session of this.held) {
      if (!session.abilities.has(fn)) continue
      this.saved.set(fn, (this.saved.get(fn) ?? 0) + 1)
      return true
    }
    return false
  }

  isSaved(fn: ServerFunction): boolean {
    return this.saved.has(fn)
  }

  get hasSaved(): boolean {
    return this.saved.size > 0
  }

  /** The functions with saved jobs, and how many, which are so no more. */
  takeSaved(): ReadonlyArray<readonly [fn: ServerFunction, jobs: number]> {
    const taken = Array.from(this.saved)
    this.saved.clear()
    return taken
  }
}
