/**
 * What workers report on their jobs: WORK_STATUS, WORK_DATA, WORK_WARNING, WORK_COMPLETE,
 * WORK_FAIL, WORK_EXCEPTION. (Gearman protocol, "Client/Worker Requests")
 *
 * @since 0.1.0
 */
import type * as Codec from "../Codec.ts"
import * as Packet from "../Packet.ts"
import type { Job } from "./Job.ts"
import type { Jobs } from "./Jobs.ts"
import { failAll, forward, forwardException } from "./Listeners.ts"
import { endOfText, parseUint32 } from "./Numbers.ts"
import * as Replies from "./Replies.ts"
import type { Session } from "./Session.ts"

const { PacketType } = Packet
const handleLimitBytes = 64

/**
 * The reports, against one server's jobs.
 *
 * @since 0.1.0
 * @category models
 */
export class WorkReports {
  private readonly jobs: Jobs
  private readonly refuse: (session: Session, refusal: Replies.Refusal) => void

  constructor(jobs: Jobs, refuse: (session: Session, refusal: Replies.Refusal) => void) {
    this.jobs = jobs
    this.refuse = refuse
  }

  /** A report on a job that the connection holds, unless it is late. */
  take(session: Session, frame: Codec.Frame): void {
    const { jobs } = this
    const { type } = frame
    const expected = Packet.fieldCounts[type]!
    // Perl's worker sends `WORK_COMPLETE handle` for an empty result, and a WORK_STATUS
    // without denominator: what lacks is empty.
    const missing = expected - frame.split(expected)
    const start = frame.start
    const end = type === PacketType.WORK_FAIL ? endOfText(frame.bytes, start, frame.end) : frame.fieldEnd(0)
    const number = jobs.handles.numberOf(frame.bytes, start, end)
    const job = jobs.byNumber.loose(number)
    if (job === undefined || job.worker !== session) return this.lateWork(session, frame, number, end, missing)
    switch (type) {
      case PacketType.WORK_STATUS:
        job.numerator = missing > 1 ? 0 : parseUint32(frame.bytes, frame.fieldStart(1), frame.fieldEnd(1))
        job.denominator = missing > 0 ? 0 : parseUint32(frame.bytes, frame.fieldStart(2), frame.fieldEnd(2))
        return forward(job, frame, missing)
      case PacketType.WORK_COMPLETE:
        return this.complete(job, frame, missing)
      case PacketType.WORK_FAIL:
        jobs.counters.failed++
        jobs.observer?.ended(job, "failed")
        failAll(job)
        return jobs.end(job)
      case PacketType.WORK_EXCEPTION:
        jobs.counters.exceptions++
        jobs.observer?.ended(job, "exception")
        forwardException(job, frame, missing)
        session.rememberAttempt(number, "excepted")
        return jobs.end(job)
      default:
        return forward(job, frame, missing)
    }
  }

  private complete(job: Job, frame: Codec.Frame, missing: number): void {
    this.jobs.counters.completed++
    this.jobs.observer?.ended(job, "completed")
    forward(job, frame, missing)
    this.jobs.end(job)
  }

  /** A report on a job that the connection does not hold. It changes nothing, with one exception. */
  private lateWork(session: Session, frame: Codec.Frame, number: number, handleEnd: number, missing: number): void {
    const { jobs } = this
    const { type } = frame
    const former = session.formerAttempt(number)
    if (former === "excepted" && type === PacketType.WORK_FAIL) {
      // Perl's worker sends WORK_FAIL after each WORK_EXCEPTION, and dies of an ERROR.
      return session.forgetAttempt(number)
    }
    if (former === "timedOut") {
      const job = jobs.byNumber.get(number)
      if (type === PacketType.WORK_EXCEPTION) session.rememberAttempt(number, "excepted")
      else if (type === PacketType.WORK_COMPLETE || type === PacketType.WORK_FAIL) session.forgetAttempt(number)
      // The work is done and nobody has begun it anew; a lone slow worker would otherwise
      // repeat it for ever.
      if (type === PacketType.WORK_COMPLETE && job?.state === "queued") this.complete(job, frame, missing)
      return
    }
    switch (type) {
      case PacketType.WORK_DATA:
      case PacketType.WORK_WARNING:
        return this.refuse(session, Replies.refusals.noJobForData)
      case PacketType.WORK_EXCEPTION:
        return this.refuse(session, Replies.refusals.noJobForException)
      case PacketType.WORK_FAIL:
        if (handleEnd - frame.start >= handleLimitBytes) return this.refuse(session, Replies.refusals.handleTooLarge)
        return this.refuse(session, Replies.refusals.noJobForResult)
      default:
        return this.refuse(session, Replies.refusals.noJobForResult)
    }
  }
}
