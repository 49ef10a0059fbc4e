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
import { Grants, type Rights } from "./Access.ts"
import { Buffers } from "./Buffers.ts"
import type { Counters } from "./Counters.ts"
import { Deadlines } from "./Deadlines.ts"
import { Delivery } from "./Delivery.ts"
import { Handles } from "./Handles.ts"
import * as Inspection from "./Inspection.ts"
import { Jobs } from "./Jobs.ts"
import type { Now } from "./Now.ts"
import { defaults, type Options } from "./Options.ts"
import { Outbox, type Peer } from "./Outbox.ts"
import * as Replies from "./Replies.ts"
import { Requests } from "./Requests.ts"
import { Session } from "./Session.ts"
import * as Sleepers from "./Sleepers.ts"
import * as TextCommands from "./TextCommands.ts"
import { Traffic } from "./Traffic.ts"

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

/**
 * What a listener says of those who come in by it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entrance {
  /** Who they are, unless they prove to be somebody else. */
  readonly identity?: string | undefined
  /** Whether text commands are taken. */
  readonly textProtocol: boolean
}

/**
 * How a server ends. `graceful`, which is gearmand's: no new connections, and an end when no job
 * is left. `drain`: those who are connected cannot add jobs either, and are told so. `now`: at once.
 *
 * @since 0.1.0
 * @category models
 */
export type ShutdownKind = "graceful" | "drain" | "now"

const urgencies: ReadonlyArray<ShutdownKind> = ["graceful", "drain", "now"]

const openEntrance: Entrance = { textProtocol: true }

// How much the look for missed wake-ups costs at most.
const maxChecked = 1_000

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
  shutdown: "no" | ShutdownKind = "no"
  private readonly requests: Requests
  /** Who may do what, of those who connect from now on; may be replaced. */
  accessRules: Options["accessRules"]
  private readonly delivery: Delivery
  readonly traffic = new Traffic()
  readonly buffers = new Buffers()
  private readonly lingering = new Deadlines<Session>()
  private readonly idle = new Deadlines<Session>()
  private sessionCount = 0
  private readonly grants = new Grants()

  constructor(options: Partial<Options>, seeds: Seeds) {
    this.options = { ...defaults, ...options }
    this.accessRules = this.options.accessRules
    const { jobHandlePrefix } = this.options
    const handles = new Handles(jobHandlePrefix ?? seeds.handlePrefix, jobHandlePrefix === undefined)
    this.jobs = new Jobs(this.options, handles, seeds.merging)
    this.requests = new Requests(this.jobs, this.options)
    this.delivery = new Delivery(this.jobs, this.options.pauseAboveBytes, (session) => this.leave(session))
  }

  get counters(): Readonly<Counters> {
    return this.jobs.counters
  }

  /** A connection was accepted. `undefined` when there are too many: close it. */
  connected(peer: Peer, now: Now, entrance: Entrance = openEntrance): Session | undefined {
    const { counters, refusals } = this.jobs
    if (this.sessions.size >= this.options.maxConnections) {
      counters.refused++
      refusals.add(undefined, "maxConnections")
      return undefined
    }
    counters.connections++
    const access = { rights: this.rightsOf(peer, entrance), hasText: entrance.textProtocol }
    const { exceptions, idleTimeoutMillis, maxOutputBytes } = this.options
    const outbox = new Outbox(peer, maxOutputBytes, this.buffers, this.traffic)
    const session = new Session(++this.sessionCount, peer, outbox, access, exceptions, this.delivery.touched)
    session.heardMillis = now.monotonicMillis
    if (idleTimeoutMillis > 0) this.idle.set(session, now.monotonicMillis + idleTimeoutMillis)
    this.sessions.add(session)
    return session
  }

  private rightsOf({ peerNames = [] }: Peer, { identity }: Entrance): Rights {
    const names = peerNames.length > 0 || identity === undefined ? peerNames : [identity]
    return this.grants.rightsOf(this.accessRules, names)
  }

  /** A packet came. */
  received(session: Session, frame: Codec.Frame, now: Now): void {
    if (!session.isOpen || session.outbox.isOverLimit) return
    this.jobs.counters.packets++
    this.traffic.received[frame.type]!++
    session.heardMillis = now.monotonicMillis
    session.isSilent = false
    this.jobs.timeReached(now)
    this.jobs.grabs.answer(session)
    this.requests.handle(session, frame, now)
  }

  /** A line of the text protocol came, one character per byte. */
  line(session: Session, line: string, now: Now): void {
    if (!session.isOpen || session.outbox.isOverLimit) return
    this.jobs.counters.lines++
    session.heardMillis = now.monotonicMillis
    session.isSilent = false
    this.jobs.timeReached(now)
    this.jobs.grabs.answer(session)
    const answer = TextCommands.answer(this, session, line)
    if (answer === undefined) this.close(session, now)
    else if (typeof answer === "string") Replies.text(session, answer)
    else Replies.list(session, answer)
  }

  /** What came was no Gearman, or too large. Only of the latter the peer is told. */
  malformed(session: Session, error: Codec.FatalError, now: Now): void {
    if (!session.isOpen) return
    this.jobs.counters.malformed++
    this.jobs.grabs.answer(session)
    const what = error._tag !== "TooLarge" ? "malformed" : error.what === "packet" ? "maxPacketBytes" : "maxLineBytes"
    this.jobs.refusals.add(session, what)
    if (error._tag === "TooLarge" && error.what === "packet") {
      const text = `Packet of ${error.bytes} bytes; the limit is ${error.limitBytes}`
      Replies.error(session, { code: "ARGUMENT_TOO_LARGE", text })
    }
    this.close(session, now)
  }

  /** The connection is gone. */
  disconnected(session: Session, now: Now): void {
    this.jobs.timeReached(now)
    this.leave(session)
    this.lingering.clear(session)
    this.delivery.discard(session)
  }

  /** When `timeReached` is wanted next, in milliseconds from now; `Infinity` when never. */
  nextDeadlineMillis(now: Now): number {
    const { attempts, passOns } = this.jobs
    const earliestMillis = Math.min(
      attempts.earliestMillis,
      passOns.earliestMillis,
      this.lingering.earliestMillis,
      this.idle.earliestMillis,
      this.delivery.listAtMillis
    )
    const monotonic = earliestMillis - now.monotonicMillis
    const wall = this.jobs.scheduled.earliestMillis - now.wallMillis
    return wall === Infinity ? monotonic : Math.min(monotonic, wall, maxWallWaitMillis)
  }

  timeReached(now: Now): void {
    this.jobs.timeReached(now)
    let session: Session | undefined
    while ((session = this.lingering.takeDue(now.monotonicMillis)) !== undefined) session.peer.destroy()
    while ((session = this.idle.takeDue(now.monotonicMillis)) !== undefined) this.lookForIdleness(session, now)
    this.delivery.continueLists(now)
  }

  /** Workers and those who wait for a job are silent with good reason. */
  private lookForIdleness(session: Session, now: Now): void {
    const { idleTimeoutMillis } = this.options
    const isNeeded = session.abilities.size > 0 || session.isBusy || session.attachments.length > 0
    const endMillis = (isNeeded ? now.monotonicMillis : session.heardMillis) + idleTimeoutMillis
    if (endMillis > now.monotonicMillis) return this.idle.set(session, endMillis)
    this.jobs.refusals.add(session, "idleTimeout")
    this.close(session, now)
  }

  /**
   * Looks, at a cost that is bounded, for functions with work, an able sleeper, and no NOOP
   * under way; wakes somebody for each and returns their names. There are none, unless this
   * server is wrong: it is for production, to be told of bugs before jobs are stuck.
   */
  checkWakeups(): ReadonlyArray<string> {
    const found: Array<string> = []
    this.jobs.grabs.serve()
    let left = maxChecked
    for (const fn of this.jobs.functions.working()) {
      if (left-- === 0) break
      if (!Sleepers.rescue(fn, maxChecked, this.jobs.nowMillis)) continue
      this.jobs.counters.missedWakeups++
      found.push(fn.key)
    }
    this.flush()
    return found
  }

  /** Something was left unsaid: call `flush` when nothing more comes. */
  get owesAnswers(): boolean {
    return this.jobs.grabs.size > 0 || this.delivery.touched.length > 0
  }

  /** Answers what is not answered yet, and sends it all. */
  flush(): void {
    this.jobs.grabs.answerAll()
    this.send()
  }

  /**
   * Sends what has been written since the last time, one `send` for each connection. With
   * `isBusy`, which says that more is likely to come at once, those who can wait do.
   */
  send(isBusy: boolean = false): void {
    this.jobs.grabs.serve()
    this.delivery.send(isBusy)
  }

  /** What was asked for last counts, unless it is less than what was asked for before. */
  requestShutdown(kind: ShutdownKind): void {
    if (this.shutdown !== "no" && urgencies.indexOf(kind) < urgencies.indexOf(this.shutdown)) return
    this.shutdown = kind
    this.jobs.isDraining = kind === "drain"
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
    this.leave(session)
    this.lingering.set(session, now.monotonicMillis + lingerMillis)
  }

  private leave(session: Session): void {
    if (!session.isOpen) return
    session.isOpen = false
    this.idle.clear(session)
    this.sessions.delete(session)
    // Abilities first: what it ran is then offered to others only.
    session.sleep = "awake"
    this.jobs.grabs.release(session)
    this.requests.resetAbilities(session)
    // What only this connection waits for must not be offered to anybody.
    while (session.attachments.length > 0) this.jobs.detach(session.attachments.at(-1)!)
    // The newest first, as gearmand does it.
    if (!session.isBusy) return
    for (const job of Array.from(session.running).toReversed()) this.jobs.requeue(job)
  }
}
