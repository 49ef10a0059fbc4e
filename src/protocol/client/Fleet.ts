/**
 * Which server a submission goes to, and what becomes of it when that server is lost:
 *
 * - never sent: it moves to the next server of its order;
 * - sent, idempotent: it is submitted anew to the next server of its order;
 * - sent, not idempotent: its callers are told that the outcome is unknown.
 *
 * When no server is alive, submissions wait for one to come back. When as many are under
 * way as may be, further ones wait their turn.
 */
import * as Latch from "effect/Latch"
import * as GearmanErrors from "../GearmanError.ts"
import { type Conversation, Outbox, type Query, Request } from "./Conversation.ts"
import { type Description, type Listener, Submission, SubmissionAttempt } from "./Submission.ts"

/** One server of the fleet. */
export class Link {
  readonly index: number
  /** As `host:port`. */
  readonly server: string
  readonly outbox: Outbox
  /** Opened by the first use: servers that are never needed are never dialled. */
  readonly wanted = Latch.makeUnsafe(false)
  conversation: Conversation | undefined
  /** Why it is not reachable now; undefined while there is no reason to think so. */
  problem: { readonly text: string; readonly cause: unknown } | undefined
  /** Over this connection it takes no new jobs: it is shutting down, and only finishes what it has. */
  isLeaving = false

  constructor(index: number, server: string, maxUnsentBytes: number) {
    this.index = index
    this.server = server
    this.outbox = new Outbox(maxUnsentBytes)
  }

  get isAlive(): boolean {
    return this.problem === undefined && !this.isLeaving
  }

  send(request: Request): void {
    this.outbox.push(request)
    this.wanted.openUnsafe()
  }
}

const leaving = "it is shutting down and takes no new jobs"

/** Some wait until their own deadline: there is no need to look for them in each turn. */
const minExpiryMilliseconds = 100

/** A submission that waits for any server; `since` counts in milliseconds. */
interface Parked {
  readonly submission: Submission
  readonly since: number
}

export interface Limits {
  readonly maxJobs: number
  readonly maxUnsentBytes: number
  readonly noServerMilliseconds: number
}

export class Fleet {
  readonly links: ReadonlyArray<Link>
  /** Open while submissions wait for a server. */
  readonly hasParked = Latch.makeUnsafe(false)
  isClosed = false
  private jobs = 0
  /** Submissions that wait until fewer are under way, the oldest first. */
  private readonly queued = new Set<Submission>()
  private isStarting = false
  private readonly limits: Limits
  private readonly now: () => number
  private readonly merged = new Map<string, Submission>()
  private parked: Array<Parked> = []

  constructor(servers: ReadonlyArray<string>, limits: Limits, now: () => number) {
    this.links = servers.map((server, index) => new Link(index, server, limits.maxUnsentBytes))
    this.limits = limits
    this.now = now
  }

  /** Jobs under way and submissions waiting: what must be 0 when nothing is. */
  get size(): { readonly jobs: number; readonly queued: number; readonly merged: number; readonly parked: number } {
    return { jobs: this.jobs, queued: this.queued.size, merged: this.merged.size, parked: this.parked.length }
  }

  /** The first that is alive; one that is late with its answers only when there is no other. */
  firstAlive(order: ReadonlyArray<number>): Link | undefined {
    let late: Link | undefined
    for (const index of order) {
      const link = this.links[index]!
      if (!link.isAlive) continue
      if (link.conversation?.isSuspect !== true) return link
      late ??= link
    }
    return late
  }

  /** Adds a caller: to an equal submission under way, or to a new one. */
  submit(description: Description, listener: Listener): Submission {
    const { mergeKey } = description
    const equal = mergeKey === undefined ? undefined : this.merged.get(mergeKey)
    if (equal !== undefined) {
      // Who joins a submission that waits for a server has as much time to wait as whoever came first.
      equal.attach(listener, equal.isParked ? this.now() : undefined)
      return equal
    }
    const submission = new Submission(description, this.onDone)
    submission.attach(listener)
    if (mergeKey !== undefined) this.merged.set(mergeKey, submission)
    if (this.jobs < this.limits.maxJobs) this.startJob(submission)
    else this.queued.add(submission)
    return submission
  }

  /** Starts as many as may be under way. What ends while it starts others makes room that this loop sees. */
  private startQueued(): void {
    if (this.isStarting) return
    this.isStarting = true
    for (const submission of this.queued) {
      if (this.jobs >= this.limits.maxJobs) break
      this.queued.delete(submission)
      this.startJob(submission)
    }
    this.isStarting = false
  }

  private startJob(submission: Submission): void {
    this.jobs++
    this.dispatch(submission)
  }

  private readonly onDone = (submission: Submission): void => {
    const { mergeKey } = submission.description
    if (mergeKey !== undefined && this.merged.get(mergeKey) === submission) this.merged.delete(mergeKey)
    if (this.queued.delete(submission)) return
    this.jobs--
    this.startQueued()
  }

  private dispatch(submission: Submission): void {
    if (submission.isDone) return
    submission.isParked = false
    const link = this.firstAlive(submission.description.order)
    if (link === undefined) return this.park(submission)
    const request = new Request(submission.description.packet, {
      attempt: new SubmissionAttempt(submission, link.server, this.onShuttingDown)
    })
    submission.request = request
    link.send(request)
  }

  /** It was not taken, so it moves on as if it had not been sent. */
  private readonly onShuttingDown = ({ server, submission }: SubmissionAttempt): void => {
    for (const link of this.links) if (link.server === server) link.isLeaving = true
    this.dispatch(submission)
  }

  private park(submission: Submission): void {
    if (this.isClosed || (this.limits.noServerMilliseconds === 0 && !submission.wasSent)) {
      return void this.giveUp(submission)
    }
    submission.isParked = true
    this.parked.push({ submission, since: this.now() })
    this.hasParked.openUnsafe()
  }

  /** For the callers who have waited long enough. Returns since when the next one waits, if any is left. */
  private giveUp(submission: Submission, until?: number): number | undefined {
    const servers = submission.description.order.map((index) => this.links[index]!)
    const cause = servers.find((link) => link.problem !== undefined)?.problem?.cause
    if (submission.wasSent) return submission.failAmbiguous(undefined, cause, until)
    if (this.isClosed) return submission.fail(new GearmanErrors.ClientClosed())
    const tried = servers.map((link) => ({
      server: link.server,
      problem: link.problem?.text ?? (link.isLeaving ? leaving : "not tried")
    }))
    return submission.fail(new GearmanErrors.NoServer({ servers: tried, cause }), until)
  }

  /** Gives up on what has waited too long. Returns when to look again, in milliseconds from now, or undefined. */
  expireParked(): number | undefined {
    const { noServerMilliseconds } = this.limits
    const until = this.now() - noServerMilliseconds
    const kept: Array<Parked> = []
    const overdue: Array<Submission> = []
    for (const parked of this.parked) {
      const { since, submission } = parked
      if (submission.isDone) continue
      if (since > until) kept.push(parked)
      else overdue.push(submission)
    }
    // Whoever is told may call again at once, and then waits too, or close everything.
    this.parked = kept
    for (const submission of overdue) {
      const since = this.giveUp(submission, until)
      if (since === undefined) continue
      if (this.isClosed) this.giveUp(submission)
      else this.parked.push({ submission, since })
    }
    if (this.parked.length === 0) {
      this.hasParked.closeUnsafe()
      return undefined
    }
    let next = Math.max(minExpiryMilliseconds, noServerMilliseconds)
    for (const { since } of this.parked) if (since > until) next = Math.min(next, since - until)
    return Math.max(1, next)
  }

  /** The server has answered over a new connection. */
  up(link: Link): void {
    link.isLeaving = false
    link.problem = undefined
    const waiting = this.parked
    this.parked = []
    this.hasParked.closeUnsafe()
    for (const { submission } of waiting) this.dispatch(submission)
  }

  /** Dialling failed, or the connection is lost. */
  down(link: Link, text: string, cause: unknown): void {
    link.problem = { text, cause }
    link.isLeaving = false
    const remains = link.conversation?.end()
    link.conversation = undefined
    const unsent = link.outbox.drain()
    for (const attempt of remains?.attempts ?? []) this.lost(attempt as SubmissionAttempt, cause)
    for (const { attempt, query } of unsent) {
      if (attempt !== undefined) this.dispatch((attempt as SubmissionAttempt).submission)
      query?.refused("", text, cause)
    }
    for (const query of remains?.queries ?? []) query.refused("", text, cause)
  }

  /** The client ends: so does all that it was asked for. */
  close(): void {
    this.isClosed = true
    for (const link of this.links) this.down(link, "the client was closed", new GearmanErrors.ClientClosed())
    const waiting = this.parked
    this.parked = []
    for (const { submission } of waiting) this.giveUp(submission)
    for (const submission of this.queued) this.giveUp(submission)
  }

  private lost({ handle, server, submission }: SubmissionAttempt, cause: unknown): void {
    if (submission.isDone) return
    submission.lost(server)
    if (submission.description.isIdempotent) this.dispatch(submission)
    else submission.failAmbiguous(handle, cause)
  }

  /** Asks one server; `refused` with an empty code means that it cannot be reached. */
  ask(link: Link, packet: Uint8Array, query: Query): Request {
    const request = new Request(packet, { query })
    if (link.problem !== undefined) query.refused("", link.problem.text, link.problem.cause)
    else link.send(request)
    return request
  }
}
