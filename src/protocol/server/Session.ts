/**
 * One connection as the job server sees it: what it can do, what it runs, what it waits
 * for, and what it is about to be sent. A connection is client, worker and administrator
 * at once, if it likes.
 *
 * @since 0.1.0
 */
import type { Rights } from "./Access.ts"
import type { Timed } from "./Deadlines.ts"
import { Fifo, type Linked } from "./Fifo.ts"
import type { ServerFunction } from "./Functions.ts"
import type { Job, Priority } from "./Job.ts"
import type { Attachment } from "./Listeners.ts"
import type { Outbox, Peer } from "./Outbox.ts"
import { Turns } from "./Turns.ts"

/**
 * `asleep` wants a NOOP when there is work; `woken` was sent one and has not asked for a
 * job since.
 *
 * @since 0.1.0
 * @category models
 */
export type Sleep = "awake" | "asleep" | "woken"

/**
 * That a connection can do a function.
 *
 * @since 0.1.0
 * @category models
 */
export class Ability implements Linked<Ability> {
  readonly session: Session
  readonly function: ServerFunction
  /** Time limit of an attempt, or 0 for none. */
  timeoutMillis: number
  /** Of the abilities with work of one priority, the lowest turn is served. */
  turn: number
  /** Its function's sleepers have it; else it is in the session's list of those that no list of sleepers has. */
  isListed = false
  /** Links in that list, or this. */
  previous: Ability | undefined = undefined
  next: Ability | undefined = undefined

  constructor(session: Session, fn: ServerFunction, timeoutMillis: number, turn: number) {
    this.session = session
    this.function = fn
    this.timeoutMillis = timeoutMillis
    this.turn = turn
  }
}

/**
 * What a connection may still send about a job that it no longer holds: an attempt that
 * ran out of time, or a WORK_FAIL after WORK_EXCEPTION.
 *
 * @since 0.1.0
 * @category models
 */
export type FormerAttempt = "timedOut" | "excepted"

// Who never reports back must not make us remember all it ever lost.
const maxFormerAttempts = 256

const noAbilities: ReadonlyMap<ServerFunction, Ability> = new Map()

const unnamed = Uint8Array.of(45)

/**
 * What a connection may do.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionAccess {
  readonly rights: Rights
  readonly hasText: boolean
}

/**
 * A connection's state.
 *
 * @since 0.1.0
 * @category models
 */
export class Session implements Timed, Linked<Session> {
  readonly number: number
  readonly peer: Peer
  readonly outbox: Outbox
  /** False from the moment it is given up; whatever it still sends is dropped. */
  isOpen = true
  /** How the transport is going to be closed at the next flush. */
  closing: "no" | "end" | "destroy" = "no"
  /** In the list of those to be flushed. */
  isTouched = false
  clientId: Uint8Array = unnamed
  wantsExceptions: boolean
  readonly rights: Rights
  /** Whether its listener takes text commands. */
  readonly hasText: boolean
  /** Its peer is asked whether it is there sooner than others. */
  isProbed = false
  /** When it sent something whole last, on the monotonic clock. */
  heardMillis = 0
  /** It has sent nothing whole yet. */
  isSilent = true

  private ownAbilities: Map<ServerFunction, Ability> | undefined = undefined
  /** Whose turn it is of very many abilities, by priority. */
  private turns: Array<Turns | undefined> | undefined = undefined
  sleep: Sleep = "awake"
  /** The function a NOOP was sent for, while the connection is woken. */
  wokenBy: Ability | undefined = undefined
  /** When that NOOP was sent, on the monotonic clock. */
  wokenMillis = 0
  /** Its place among those woken for that function. */
  previous: Session | undefined = undefined
  next: Session | undefined = undefined
  /** Abilities that are in no list of sleepers: all at first, and each that was woken. */
  readonly unlisted = new Fifo<Ability>()
  private ownRunning: Set<Job> | undefined = undefined
  /** The type of the GRAB_JOB that is still to be answered, or 0. */
  heldGrab = 0
  readonly attachments: Array<Attachment> = []
  private formerAttempts: Map<number, FormerAttempt> | undefined = undefined

  /** When one that was told to end is cut; before that, when it is looked at for idleness. */
  dueMillis = 0
  heapIndex = -1

  private earliestTurn = 0
  private latestTurn = 0
  private readonly touched: Array<Session>

  constructor(
    number: number,
    peer: Peer,
    outbox: Outbox,
    access: SessionAccess,
    wantsExceptions: boolean,
    touched: Array<Session>
  ) {
    this.number = number
    this.peer = peer
    this.rights = access.rights
    this.hasText = access.hasText
    this.outbox = outbox
    this.wantsExceptions = wantsExceptions
    this.touched = touched
  }

  /** What it can do. */
  get abilities(): ReadonlyMap<ServerFunction, Ability> {
    return this.ownAbilities ?? noAbilities
  }

  addAbility(ability: Ability): void {
    // Clients have none, and are often the most.
    this.ownAbilities ??= new Map()
    this.ownAbilities.set(ability.function, ability)
    this.turns = undefined
  }

  removeAbility(ability: Ability): void {
    this.ownAbilities?.delete(ability.function)
    this.turns = undefined
  }

  turnsOf(priority: Priority): Turns {
    this.turns ??= [undefined, undefined, undefined]
    return (this.turns[priority] ??= new Turns(priority))
  }

  /** The jobs that it has been given and has not ended. */
  get running(): Set<Job> {
    return (this.ownRunning ??= new Set())
  }

  get isBusy(): boolean {
    return this.ownRunning !== undefined && this.ownRunning.size > 0
  }

  touch(): void {
    if (this.isTouched) return
    this.isTouched = true
    this.touched.push(this)
  }

  /** Starts a packet in the outbox; false when it must not be written. */
  begin(type: number, bodyBytes: number, copiedBytes: number): boolean {
    this.touch()
    return this.outbox.begin(type, bodyBytes, copiedBytes)
  }

  /** The newest function comes first, as in gearmand. */
  firstTurn(): number {
    return --this.earliestTurn
  }

  lastTurn(): number {
    return ++this.latestTurn
  }

  formerAttempt(number: number): FormerAttempt | undefined {
    return this.formerAttempts?.get(number)
  }

  rememberAttempt(number: number, attempt: FormerAttempt): void {
    this.formerAttempts ??= new Map()
    this.formerAttempts.set(number, attempt)
    if (this.formerAttempts.size <= maxFormerAttempts) return
    for (const oldest of this.formerAttempts.keys()) {
      this.formerAttempts.delete(oldest)
      return
    }
  }

  forgetAttempt(number: number): void {
    this.formerAttempts?.delete(number)
  }

  get formerAttemptCount(): number {
    return this.formerAttempts?.size ?? 0
  }
}
