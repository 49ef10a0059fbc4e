/**
 * The job server as a synchronous state machine: it is told what happens on connections and
 * what time it is, and writes what it has to say into outboxes. It reads no clock, draws no
 * numbers, and waits for nothing, so a simulator can stop it between any two packets and
 * look at it.
 *
 * Whoever drives it calls `flush` when a batch of events has been told.
 *
 * @since 0.1.0
 */
import type * as Codec from "../Codec.ts"
import { Buffers } from "./Buffers.ts"
import type { Counters } from "./Counters.ts"
import { Deadlines } from "./Deadlines.ts"
import { Handles } from "./Handles.ts"
import * as Inspection from "./Inspection.ts"
import { Jobs } from "./Jobs.ts"
import type { Now } from "./Now.ts"
import { defaults, type Options } from "./Options.ts"
import { Outbox, type Peer } from "./Outbox.ts"
import * as Replies from "./Replies.ts"
import { Requests } from "./Requests.ts"
import { Session } from "./Session.ts"
import * as TextCommands from "./TextCommands.ts"

/**
 * What the machine cannot decide by itself because it must differ between starts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Seeds {
  /** Prefix of handles where the options give none. */
  readonly handlePrefix: string
  /** Any 32-bit number that peers do not know. */
  readonly merging: number
}

// A wall clock may be set: scheduled jobs are looked at again at least this often.
const maxWallWaitMillis = 10_000
// How long a connection that was told to end may take to read what is still for it.
const lingerMillis = 10_000

/**
 * The state of a job server and everything that changes it.
 *
 * @since 0.1.0
 * @category models
 */
export class JobServerCore {
  readonly options: Options
  readonly jobs: Jobs
  readonly sessions = new Set<Session>()
  /** What a permitted `shutdown` command, or the program around, has asked for. */
  shutdown: "no" | "graceful" | "now" = "no"
  private readonly requests: Requests
  private readonly touched: Array<Session> = []
  private readonly buffers = new Buffers()
  private readonly lingering = new Deadlines<Session>()
  private sessionCount = 0

  constructor(options: Partial<Options>, seeds: Seeds) {
    this.options = { ...defaults, ...options }
    const { jobHandlePrefix } = this.options
    const handles = new Handles(jobHandlePrefix ?? seeds.handlePrefix, jobHandlePrefix === undefined)
    this.jobs = new Jobs(this.options, handles, seeds.merging)
    this.requests = new Requests(this.jobs, this.options)
  }

  get counters(): Readonly<Counters> {
    return this.jobs.counters
  }

  /** A connection was accepted. `undefined` when there are too many: close it. */
  connected(peer: Peer): Session | undefined {
    const { counters } = this.jobs
    if (this.sessions.size >= this.options.maxConnections) {
      counters.refused++
      return undefined
    }
    counters.connections++
    const { exceptions, maxOutputBytes } = this.options
    const outbox = new Outbox(peer, maxOutputBytes, this.buffers)
    const session = new Session(++this.sessionCount, peer, outbox, exceptions, this.touched)
    this.sessions.add(session)
    return session
  }

  /** A packet came. */
  received(session: Session, frame: Codec.Frame, now: Now): void {
    if (!session.isOpen || session.outbox.isOverLimit) return
    this.jobs.counters.packets++
    this.jobs.timeReached(now)
    this.requests.handle(session, frame, now)
  }

  /** A line of the text protocol came, one character per byte. */
  line(session: Session, line: string, now: Now): void {
    if (!session.isOpen || session.outbox.isOverLimit) return
    this.jobs.counters.lines++
    this.jobs.timeReached(now)
    const answer = TextCommands.answer(this, line)
    if (answer === undefined) this.close(session, now)
    else Replies.text(session, answer)
  }

  /** What came was no Gearman, or too large. Only of the latter the peer is told. */
  malformed(session: Session, error: Codec.FatalError, now: Now): void {
    if (!session.isOpen) return
    this.jobs.counters.malformed++
    if (error._tag === "TooLarge" && error.what === "packet") {
      const text = `Packet of ${error.bytes} bytes; the limit is ${error.limitBytes}`
      Replies.error(session, { code: "ARGUMENT_TOO_LARGE", text })
    }
    this.close(session, now)
  }

  /** The connection is gone. */
  disconnected(session: Session): void {
    this.lingering.clear(session)
    this.leave(session)
    session.outbox.discard()
  }

  /** When `timeReached` is wanted next, in milliseconds from now; `Infinity` when never. */
  nextDeadlineMillis(now: Now): number {
    const monotonic = Math.min(this.jobs.attempts.earliestMillis, this.lingering.earliestMillis) - now.monotonicMillis
    const wall = this.jobs.scheduled.earliestMillis - now.wallMillis
    return wall === Infinity ? monotonic : Math.min(monotonic, wall, maxWallWaitMillis)
  }

  timeReached(now: Now): void {
    this.jobs.timeReached(now)
    let session: Session | undefined
    while ((session = this.lingering.takeDue(now.monotonicMillis)) !== undefined) session.peer.destroy()
  }

  /** Sends what has been written since the last time, one `send` for each connection. */
  flush(): void {
    // Cutting one connection may touch others, which are then at the list's end.
    for (let index = 0; index < this.touched.length; index++) {
      const session = this.touched[index]!
      session.isTouched = false
      if (session.outbox.isOverLimit && session.isOpen) {
        this.jobs.counters.cut++
        session.closing = "destroy"
        this.leave(session)
      }
      if (session.closing === "destroy") {
        session.outbox.discard()
        session.peer.destroy()
        continue
      }
      session.outbox.flush()
      if (session.closing === "end") {
        session.closing = "no"
        session.peer.end()
      }
    }
    this.touched.length = 0
  }

  /** No new connections, and an end when no job is left; or an end at once. */
  requestShutdown(kind: "graceful" | "now"): void {
    if (this.shutdown !== "now") this.shutdown = kind
  }

  get isIdle(): boolean {
    return this.jobs.byNumber.size === 0
  }

  /** Connections that were told to end and have not gone yet. */
  get lingeringCount(): number {
    return this.lingering.size
  }

  /** The whole state as plain data. */
  inspect(): Inspection.Snapshot {
    return Inspection.snapshot(this)
  }

  /** What is wrong with the state: nothing, between any two packets. */
  violations(): ReadonlyArray<string> {
    return Inspection.violations(this)
  }

  /** Gives a connection up; what is still for the peer is sent. */
  private close(session: Session, now: Now): void {
    session.touch()
    session.closing = "end"
    this.lingering.set(session, now.monotonicMillis + lingerMillis)
    this.leave(session)
  }

  private leave(session: Session): void {
    if (!session.isOpen) return
    session.isOpen = false
    this.sessions.delete(session)
    // Abilities first: what it ran is then offered to others only.
    session.sleep = "awake"
    this.requests.resetAbilities(session)
    // What only this connection waits for must not be offered to anybody.
    while (session.attachments.length > 0) this.jobs.detach(session.attachments.at(-1)!)
    // The newest first, as gearmand does it.
    for (const job of Array.from(session.running).toReversed()) this.jobs.requeue(job)
  }
}
