/**
 * One job as the client's callers see it, whatever happens on the way: it may be
 * attempted on several servers one after the other, and several callers may wait for
 * it. Each caller is told the end exactly once.
 */
import { shuttingDownCode } from "../connection/ShuttingDown.ts"
import { maxPacketBytes } from "../connection/Session.ts"
import * as GearmanErrors from "../GearmanError.ts"
import { PacketType } from "../Packet.ts"
import type { Attempt, Request } from "./Conversation.ts"

/** What comes before a job's end. */
export type Event =
  | { readonly _tag: "Created"; readonly handle: { readonly server: string; readonly handle: string } }
  | { readonly _tag: "Data"; readonly data: Uint8Array }
  | { readonly _tag: "Warning"; readonly data: Uint8Array }
  | { readonly _tag: "Status"; readonly numerator: number; readonly denominator: number }

/** A caller. Exactly one of `succeeded` and `failed` is called, once, and nothing after it. */
export interface Listener {
  /** Its caller's own time limit ends the waiting: for a job that was sent, waiting for servers needs no other. */
  readonly hasDeadline: boolean
  readonly event: (event: Event) => void
  readonly succeeded: (bytes: Uint8Array) => void
  readonly failed: (error: GearmanErrors.GearmanError) => void
}

export interface Description {
  readonly function: string
  /** The whole SUBMIT_ packet: the same for every server. */
  readonly packet: Uint8Array
  readonly isBackground: boolean
  readonly isIdempotent: boolean
  /** The first caller has a time limit of its own; those who join it say so for themselves. */
  readonly hasDeadline: boolean
  /** Servers by preference. */
  readonly order: ReadonlyArray<number>
  /** What equal submissions of this process share, or undefined. */
  readonly mergeKey: string | undefined
}

/** A caller, with the time since when it waits for a server, where that is not the submission's. */
type Waiter = readonly [Listener, number]

export class Submission {
  readonly description: Description
  /** True once it may have reached a server, in this attempt or an earlier one. */
  wasSent = false
  /** Where it is known as what, while it is. */
  private handle: { readonly server: string; readonly handle: string } | undefined
  private lastServer = ""
  /** The request under way, as long as it may still be withdrawn. */
  request: Request | undefined
  isDone = false
  /** It waits for any server at all. */
  isParked = false
  // Most have one caller, and a set costs more than all the rest of a submission.
  private only: Listener | undefined
  /** With the time since when each waits for a server, where it is not that of the submission. */
  private others: Map<Listener, number> | undefined
  private readonly onDone: (submission: Submission) => void

  constructor(description: Description, onDone: (submission: Submission) => void) {
    this.description = description
    this.onDone = onDone
  }

  attach(listener: Listener, since = -Infinity): void {
    if (this.only === undefined && this.others === undefined) this.only = listener
    else (this.others ??= new Map()).set(listener, since)
    if (this.handle !== undefined) listener.event({ _tag: "Created", handle: this.handle })
  }

  created(server: string, handle: string): void {
    this.request = undefined
    this.handle = { server, handle }
    this.emit({ _tag: "Created", handle: this.handle })
  }

  /** The connection it was sent over is gone. */
  lost(server: string): void {
    this.wasSent = true
    this.lastServer = server
    this.handle = undefined
  }

  /** The last one to leave ends the submission here; a job that was sent goes on without us. */
  detach(listener: Listener): void {
    if (this.only === listener) this.only = undefined
    else if (this.others?.delete(listener) !== true) return
    if (this.only === undefined && (this.others?.size ?? 0) === 0 && !this.isDone) this.finish()
  }

  emit(event: Event): void {
    this.only?.event(event)
    if (this.others !== undefined) for (const listener of this.others.keys()) listener.event(event)
  }

  succeed(bytes: Uint8Array): void {
    for (const listener of this.finish()) listener.succeeded(bytes)
  }

  /**
   * For those who have waited since then or longer, but for those whose own deadline says how
   * long. Returns since when the next one waits, if any is left.
   */
  fail(reason: GearmanErrors.Reason, until = Infinity): number | undefined {
    const error = GearmanErrors.fromReason(reason)
    const later = until === Infinity ? [] : this.waiting().filter((waiter) => this.mayWait(waiter, until))
    const overdue = later.length === 0 ? this.finish() : this.allBut(later)
    for (const listener of overdue) listener.failed(error)
    return later.find(([, since]) => since > until)?.[1] ?? later[0]?.[1]
  }

  failAmbiguous(handle: string | undefined, cause: unknown, until?: number): number | undefined {
    const { function: name } = this.description
    return this.fail(new GearmanErrors.Ambiguous({ function: name, server: this.lastServer, handle, cause }), until)
  }

  private mayWait([listener, since]: Waiter, until: number): boolean {
    return since > until || (this.wasSent && listener.hasDeadline)
  }

  private waiting(): Array<Waiter> {
    const first: Array<Waiter> = this.only === undefined ? [] : [[this.only, -Infinity]]
    return [...first, ...(this.others ?? [])]
  }

  private allBut(later: ReadonlyArray<Waiter>): ReadonlyArray<Listener> {
    const listeners = this.listeners()
    this.only = undefined
    this.others = new Map(later)
    return listeners.filter((listener) => !this.others!.has(listener))
  }

  private listeners(): Array<Listener> {
    const listeners = this.only === undefined ? [] : [this.only]
    if (this.others !== undefined) listeners.push(...this.others.keys())
    return listeners
  }

  private finish(): ReadonlyArray<Listener> {
    if (this.isDone) return []
    this.isDone = true
    if (this.request !== undefined) this.request.isWithdrawn = true
    const listeners = this.listeners()
    this.only = undefined
    this.others = undefined
    this.onDone(this)
    return listeners
  }
}

/** One try of a submission at one server. */
export class SubmissionAttempt implements Attempt {
  readonly submission: Submission
  readonly server: string
  handle: string | undefined
  readonly isBackground: boolean
  private readonly onShuttingDown: (attempt: SubmissionAttempt) => void

  constructor(submission: Submission, server: string, onShuttingDown: (attempt: SubmissionAttempt) => void) {
    this.submission = submission
    this.server = server
    this.onShuttingDown = onShuttingDown
    this.isBackground = submission.description.isBackground
  }

  created(handle: string): void {
    this.handle = handle
    this.submission.created(this.server, handle)
    if (this.isBackground) this.submission.succeed(new Uint8Array(0))
  }

  refused(code: string, text: string): void {
    if (code === shuttingDownCode) return this.onShuttingDown(this)
    this.submission.fail(new GearmanErrors.Refused({ server: this.server, code, text }))
  }

  data(data: Uint8Array): void {
    this.submission.emit({ _tag: "Data", data })
  }

  warning(data: Uint8Array): void {
    this.submission.emit({ _tag: "Warning", data })
  }

  status(numerator: number, denominator: number): void {
    this.submission.emit({ _tag: "Status", numerator, denominator })
  }

  completed(bytes: Uint8Array): void {
    this.submission.succeed(bytes)
  }

  failed(): void {
    this.submission.fail(new GearmanErrors.JobFailed(this.origin()))
  }

  threw(data: Uint8Array): void {
    this.submission.fail(new GearmanErrors.JobException({ ...this.origin(), data }))
  }

  tooLarge(type: number, bytes: number): void {
    const what =
      type === PacketType.WORK_COMPLETE ? "success" : type === PacketType.WORK_EXCEPTION ? "error" : "progress"
    const cause = new RangeError(`its packet has ${bytes} bytes; this client takes ${maxPacketBytes} at most`)
    this.submission.fail(new GearmanErrors.DecodeError({ function: this.submission.description.function, what, cause }))
  }

  private origin() {
    return { function: this.submission.description.function, server: this.server, handle: this.handle ?? "" }
  }
}
