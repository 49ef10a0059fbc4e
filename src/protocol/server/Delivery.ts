/**
 * How what is said reaches its readers: one `send` for each connection when a batch of events
 * has been worked off, and lists piece by piece, as they are read.
 *
 * Callers can wait a moment where jobs queue up anyway. On a server that has more to do than
 * it gets done, several answers then leave in one system call, and such calls are what it is
 * busy with. Workers are never kept waiting.
 *
 * @since 0.1.0
 */
import type { Jobs } from "./Jobs.ts"
import type { Now } from "./Now.ts"
import type { Session } from "./Session.ts"

/** How soon it is looked again whether those who are sent lists have read them so far. */
const listPauseMillis = 5
/** Who is to be told more than this is told at once: it fills a system call by itself. */
const mostDelayedBytes = 32_768

/** Whether nothing gets slower, in all, if a connection hears later what it is to be told. */
const canWait = ({ abilities, closing, outbox }: Session): boolean =>
  abilities.size === 0 &&
  closing === "no" &&
  !outbox.isOverLimit &&
  !outbox.hasList &&
  outbox.waitingBytes <= mostDelayedBytes

/**
 * The connections of one server that are owed something.
 *
 * @since 0.1.0
 * @category models
 */
export class Delivery {
  /** Those that something was written for. Sessions put themselves in. */
  readonly touched: Array<Session> = []
  /** When the next of those who are sent lists has its turn, on the monotonic clock. */
  listAtMillis = Infinity
  /** In the order of their turns. */
  private readonly listing = new Set<Session>()
  private readonly jobs: Jobs
  private readonly pauseAboveBytes: number
  private readonly giveUp: (session: Session) => void
  private isSending = false

  /** `giveUp` ends what a connection has to do with the server; its transport is seen to here. */
  constructor(jobs: Jobs, pauseAboveBytes: number, giveUp: (session: Session) => void) {
    this.jobs = jobs
    this.pauseAboveBytes = pauseAboveBytes
    this.giveUp = giveUp
  }

  /** Sends what has been written; with `isBusy`, to those who have no time to wait. */
  send(isBusy: boolean): void {
    // Where peers hear at once, one may ask for this in the midst of it: what is half sent would go out twice.
    if (this.isSending) return
    this.isSending = true
    try {
      this.sendToAll(isBusy)
    } finally {
      this.isSending = false
    }
  }

  private sendToAll(isBusy: boolean): void {
    const { jobs, touched } = this
    const isPatient = isBusy && jobs.functions.withWorkCount > 0
    let kept = 0
    // Cutting one connection may touch others, which are then at the list's end.
    for (let index = 0; index < touched.length; index++) {
      const session = touched[index]!
      if (isPatient && canWait(session)) touched[kept++] = session
      else this.sendTo(session)
    }
    // Cheaper than to set the length.
    while (touched.length > kept) touched.pop()
  }

  /** A piece of one list for the one whose turn it is, of those who have read what they were sent. */
  continueLists(now: Now): void {
    const { listing } = this
    if (now.monotonicMillis < this.listAtMillis) return
    for (const session of listing) {
      if (session.peer.unsentBytes() > this.pauseAboveBytes) continue
      session.outbox.continueList()
      // To the end of the line, or out of it.
      listing.delete(session)
      if (session.outbox.hasList) listing.add(session)
      else session.peer.hold?.(false)
      session.touch()
      this.listAtMillis = listing.size > 0 ? now.monotonicMillis : Infinity
      return
    }
    this.listAtMillis = listing.size > 0 ? now.monotonicMillis + listPauseMillis : Infinity
  }

  /** The connection is gone. */
  discard(session: Session): void {
    this.listing.delete(session)
    session.outbox.discard()
  }

  private sendTo(session: Session): void {
    const { jobs } = this
    session.isTouched = false
    if (session.outbox.isOverLimit && session.isOpen) {
      jobs.counters.cut++
      jobs.refusals.add(session, "maxOutputBytes")
      session.closing = "destroy"
      this.giveUp(session)
    }
    if (session.closing === "destroy") {
      this.discard(session)
      session.peer.destroy()
      return
    }
    session.outbox.flush()
    if (session.outbox.hasList) {
      // Whoever asked for so much is not heard until it has it.
      session.peer.hold?.(true)
      this.listing.add(session)
      this.listAtMillis = jobs.nowMillis
      return
    }
    if (session.closing === "end") {
      session.closing = "no"
      session.peer.end()
    }
  }
}
