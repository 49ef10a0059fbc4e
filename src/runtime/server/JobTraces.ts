/**
 * A span for each job, from its submission to its end, and one in it for each attempt, with
 * the worker's name. Where the client sends its own span along (functions defined with
 * `trace`), the job's span is its child, beside the worker's.
 */
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import * as Tracing from "../../protocol/connection/Tracing.ts"
import type { Job } from "../../protocol/server/Job.ts"
import type { JobObserver, Outcome } from "../../protocol/server/Observer.ts"
import { priorityNames } from "./JobTimes.ts"

/** Which jobs are traced, of those whose client has not decided: from 0 for none to 1 for all. */
export interface Sampler {
  readonly ratio: number
  /** Whether the client's decision counts. */
  readonly followsParent: boolean
}

/** Spans whose jobs live at the same time; jobs beyond that are not traced. */
const maxSpans = 100_000

const readable = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8")

interface Spans {
  readonly whole: Tracer.Span
  attempt: Tracer.Span | undefined
}

/** Follows all jobs of a server. */
export const make = (
  tracer: Tracer.Tracer,
  sampler: Sampler,
  nowNanos: () => bigint,
  draw: () => number = Math.random
): JobObserver => {
  /** By the job's number. */
  const open = new Map<number, Spans>()

  const start = (name: string, kind: Tracer.SpanKind, parent: Option.Option<Tracer.AnySpan>): Tracer.Span =>
    tracer.span({
      name,
      parent,
      annotations: Context.empty(),
      links: [],
      startTime: nowNanos(),
      kind,
      root: Option.isNone(parent),
      sampled: true
    })

  const isTraced = (parent: Tracer.ExternalSpan | undefined): boolean =>
    sampler.followsParent && parent !== undefined ? parent.sampled : draw() < sampler.ratio

  const endAttempt = (spans: Spans, outcome: string): void => {
    spans.attempt?.attribute("gearman.outcome", outcome)
    spans.attempt?.end(nowNanos(), outcome === "completed" ? Exit.void : Exit.fail(outcome))
    spans.attempt = undefined
  }

  const begin = (job: Job): void => {
    if (open.size >= maxSpans) return
    const { parent } = Tracing.unwrap(job.workload)
    if (!isTraced(parent)) return
    const fn = readable(job.function.key)
    const whole = start(`${fn} job`, "server", Option.fromUndefinedOr(parent))
    whole.attribute("gearman.function", fn)
    whole.attribute("gearman.handle", readable(job.handle))
    if (job.unique !== "") whole.attribute("gearman.unique", readable(job.unique))
    whole.attribute("gearman.priority", priorityNames[job.priority])
    whole.attribute("gearman.kind", job.isBackground ? "background" : "foreground")
    whole.attribute("gearman.workload_bytes", job.workload.length)
    open.set(job.number, { whole, attempt: undefined })
  }

  return {
    submitted: (job, isMerged) => {
      if (isMerged) open.get(job.number)?.whole.event("a submission joined the job", nowNanos())
      else begin(job)
    },
    offered: (job) => {
      const spans = open.get(job.number)
      if (spans !== undefined) endAttempt(spans, "lost")
    },
    assigned: (job) => {
      const spans = open.get(job.number)
      if (spans === undefined) return
      spans.attempt = start(`${readable(job.function.key)} attempt`, "internal", Option.some(spans.whole))
      spans.attempt.attribute("gearman.worker", Buffer.from(job.worker!.clientId).toString())
      spans.attempt.attribute("gearman.lost_attempts", job.retries)
    },
    ended: (job: Job, outcome: Outcome) => {
      const spans = open.get(job.number)
      if (spans === undefined) return
      open.delete(job.number)
      endAttempt(spans, outcome)
      spans.whole.attribute("gearman.outcome", outcome)
      spans.whole.end(nowNanos(), outcome === "completed" ? Exit.void : Exit.fail(outcome))
    }
  }
}
