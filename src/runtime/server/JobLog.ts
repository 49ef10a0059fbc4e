/**
 * A line of the log for what happens to each job, with the job's handle, function and
 * unique beside the text: lost attempts at INFO, everything else at DEBUG.
 */
import type { Job } from "../../protocol/server/Job.ts"
import type { JobObserver } from "../../protocol/server/Observer.ts"
import type { Log } from "./Log.ts"
import type { Fields } from "./LogFormat.ts"
import { priorityNames } from "./JobTimes.ts"

/** Names are UTF-8 by convention; in the server they have one character per byte. */
const readable = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8")

const fieldsOf = (job: Job, more: Fields = {}): Fields => ({
  handle: readable(job.handle),
  function: readable(job.function.key),
  ...(job.unique === "" ? {} : { unique: readable(job.unique) }),
  priority: priorityNames[job.priority],
  ...more
})

/** Who has the job, for people who look for that worker. */
const workerOf = ({ worker }: Job): Fields =>
  worker === undefined ? {} : { worker: Buffer.from(worker.clientId).toString(), peer: worker.peer.peerHost }

/** Follows all jobs; nothing where nobody would read it. */
export const make = (log: Log): JobObserver | undefined => {
  if (!log.has("INFO")) return undefined
  const debug = (message: string, job: Job, more?: Fields) => {
    if (log.has("DEBUG")) log.write("DEBUG", message, fieldsOf(job, more))
  }
  return {
    submitted: (job, isMerged) =>
      debug(isMerged ? "a submission joined the job" : "job submitted", job, {
        kind: job.isBackground ? "background" : "foreground"
      }),
    offered: (job) => {
      if (job.retries > 0)
        log.write("INFO", "an attempt was lost; job queued again", fieldsOf(job, { lost: job.retries }))
    },
    assigned: (job) => debug("job assigned", job, workerOf(job)),
    ended: (job, outcome) => {
      if (!job.isCancelled) debug(`job ${outcome}`, job, { outcome })
    }
  }
}

/** One observer that tells all of them. */
export const together = (observers: ReadonlyArray<JobObserver | undefined>): JobObserver | undefined => {
  const all = observers.filter((observer) => observer !== undefined)
  if (all.length < 2) return all[0]
  return {
    submitted: (job, isMerged) => {
      for (const observer of all) observer.submitted(job, isMerged)
    },
    offered: (job) => {
      for (const observer of all) observer.offered(job)
    },
    assigned: (job) => {
      for (const observer of all) observer.assigned(job)
    },
    ended: (job, outcome) => {
      for (const observer of all) observer.ended(job, outcome)
    }
  }
}
