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
import type { Jobs } from "./Jobs.ts"
import * as Replies from "./Replies.ts"
import type { Session } from "./Session.ts"

// Each new job looks for one of those that wait; more of them are told at once.
const maxHeld = 64

/**
 * Grabs, and those of them that are open.
 *
 * @since 0.1.0
 * @category models
 */
export class Grabs {
  private readonly jobs: Jobs
  /** Who has asked first comes first. */
  private readonly held = new Set<Session>()
  /** Jobs of each function for which nobody was woken because somebody has asked already. */
  private readonly saved = new Map<ServerFunction, number>()

  constructor(jobs: Jobs) {
    this.jobs = jobs
  }

  get size(): number {
    return this.held.size
  }

  /** GRAB_JOB: a job, or an answer that waits if it can. */
  take(session: Session, grabType: number): void {
    if (this.hand(session, grabType)) return
    if (session.abilities.size === 0 || this.held.size >= maxHeld) return Replies.noJob(session)
    session.heldGrab = grabType
    this.held.add(session)
  }

  /** Answers the connection's grab, if it waits: it has more to say, or nothing came. */
  answer(session: Session): void {
    if (session.heldGrab !== 0 && !this.hand(session, this.release(session))) Replies.noJob(session)
  }

  answerAll(): void {
    for (const session of this.held) this.answer(session)
  }

  /** Gives new jobs to those who wait, and wakes others for what is left. */
  serve(): void {
    if (this.saved.size === 0) return
    for (const session of this.held) if (this.hand(session, session.heldGrab)) this.release(session)
    const saved = Array.from(this.saved)
    this.saved.clear()
    for (const [fn, count] of saved) {
      for (let left = Math.min(count, fn.runnableCount); left > 0; left--) this.jobs.wake(fn)
    }
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

  private hand(session: Session, grabType: number): boolean {
    const next = this.jobs.functions.nextFor(session)
    if (next === undefined) return false
    const { ability, job } = next
    this.jobs.assign(job, ability)
    Replies.jobAssign(session, job, grabType)
    return true
  }
}
