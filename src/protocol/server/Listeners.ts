/**
 * Who hears of a job. Each foreground submission is one attachment, also when several
 * come from one connection: client libraries keep one task per submission and expect one
 * WORK_COMPLETE for each.
 *
 * An attachment knows its place on both sides, so that a client with many jobs, or a job
 * with many clients, is taken apart without searching.
 *
 * @since 0.1.0
 */
import type * as Codec from "../Codec.ts"
import * as Packet from "../Packet.ts"
import type { Job } from "./Job.ts"
import type { Loan } from "./Loan.ts"
import { byReferenceBytes } from "./Outbox.ts"
import type { Session } from "./Session.ts"

/**
 * One submission that waits for one job.
 *
 * @since 0.1.0
 * @category models
 */
export class Attachment {
  readonly job: Job
  readonly session: Session
  jobIndex: number
  sessionIndex: number

  constructor(job: Job, session: Session) {
    this.job = job
    this.session = session
    this.jobIndex = job.listeners.length
    this.sessionIndex = session.attachments.length
  }

  leaveJob(): void {
    const { listeners } = this.job
    const last = listeners.pop()!
    if (last === this) return
    listeners[this.jobIndex] = last
    last.jobIndex = this.jobIndex
  }

  leaveSession(): void {
    const { attachments } = this.session
    const last = attachments.pop()!
    if (last === this) return
    attachments[this.sessionIndex] = last
    last.sessionIndex = this.sessionIndex
  }
}

/**
 * Lets a connection hear of a job, once more if it does already.
 *
 * @since 0.1.0
 * @category operations
 */
export const attach = (job: Job, session: Session): void => {
  const attachment = new Attachment(job, session)
  job.listeners.push(attachment)
  session.attachments.push(attachment)
}

/**
 * Ends every attachment of a job; returns how many there were.
 *
 * @since 0.1.0
 * @category operations
 */
export const detachAll = (job: Job): number => {
  const { listeners } = job
  const count = listeners.length
  // From the last on, and by `pop`: to set the length costs as much as a small job.
  for (let last = listeners.pop(); last !== undefined; last = listeners.pop()) last.leaveSession()
  return count
}

/**
 * The body of a worker's packet on its way to listeners: as it came, but for separators that
 * it lacks and that clients need. A large one is shared.
 */
class Report {
  private readonly frame: Codec.Frame
  private readonly missingSeparators: number
  private shared: Loan | undefined = undefined

  constructor(frame: Codec.Frame, missingSeparators: number) {
    this.frame = frame
    this.missingSeparators = missingSeparators
  }

  sendTo(session: Session): void {
    const { bytes, end, start, type } = this.frame
    const bodyBytes = end - start + this.missingSeparators
    if (bodyBytes < byReferenceBytes) {
      if (!session.begin(type, bodyBytes, bodyBytes)) return
      session.outbox.putRange(bytes, start, end)
      for (let count = 0; count < this.missingSeparators; count++) session.outbox.putByte(0)
    } else if (session.begin(type, bodyBytes, 0)) {
      this.shared ??= session.outbox.buffers.lend(this.frame, start, end, this.missingSeparators)
      session.outbox.putLoan(this.shared)
    }
  }
}

/**
 * Sends a worker's packet on to every listener.
 *
 * @since 0.1.0
 * @category operations
 */
export const forward = (job: Job, frame: Codec.Frame, missingSeparators: number): void => {
  if (job.listeners.length === 0) return
  const report = new Report(frame, missingSeparators)
  for (const { session } of job.listeners) report.sendTo(session)
}

const fail = (session: Session, job: Job): void => {
  if (session.begin(Packet.PacketType.WORK_FAIL, job.handleBytes, job.handleBytes)) session.outbox.putHandle(job)
}

/**
 * Sends a WORK_EXCEPTION to the listeners that asked for exceptions, and WORK_FAIL to the
 * others. The handle comes without the NUL that gearmand sends after it, which makes
 * libgearman 1.1 wait for ever.
 *
 * @since 0.1.0
 * @category operations
 */
export const forwardException = (job: Job, frame: Codec.Frame, missingSeparators: number): void => {
  const report = new Report(frame, missingSeparators)
  for (const { session } of job.listeners) {
    if (session.wantsExceptions) report.sendTo(session)
    else fail(session, job)
  }
}

/**
 * Tells every listener that the job has failed.
 *
 * @since 0.1.0
 * @category operations
 */
export const failAll = (job: Job): void => {
  for (const { session } of job.listeners) fail(session, job)
}
