/**
 * What clients and workers count, by Effect's `Metric`.
 *
 * - `gearman_client_jobs{function, outcome}`: calls that ended; the outcome is `success`, the
 *   function's own `error`, or the tag of the reason.
 * - `gearman_client_seconds{function}`: how long those calls took, resubmissions and retries included.
 * - `gearman_worker_jobs{function, outcome}`: jobs that ended; `success`, `fail`,
 *   `exception` or `lost`.
 * - `gearman_worker_seconds{function}`: how long handlers ran.
 * - `gearman_connections_lost{role, server}`: connections lost, and attempts to connect that failed.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

// Whoever names functions or servers without end gets them counted together.
const maxSeries = 1000

/** A series per pair of labels, made once. A metric may have only the first. */
const series = <M extends Metric.Metric<number, unknown>>(
  metric: M,
  labelNames: readonly [first: string, second?: string]
): ((first: string, second: string, value: number) => Effect.Effect<void>) => {
  // By label and label: joining them to one key would make a text for each job.
  const known = new Map<string, Map<string, Metric.Metric<number, unknown>>>()
  let count = 0
  const make = (first: string, second: string) =>
    Metric.withAttributes(metric, {
      [labelNames[0]]: first,
      ...(labelNames[1] === undefined ? {} : { [labelNames[1]]: second })
    })
  return (first, second, value) => {
    let found = known.get(first)?.get(second)
    if (found === undefined) {
      if (count >= maxSeries) return Metric.update(make("other", "other"), value)
      count++
      found = make(first, second)
      const seconds = known.get(first)
      if (seconds === undefined) known.set(first, new Map([[second, found]]))
      else seconds.set(second, found)
    }
    return Metric.update(found, value)
  }
}

const clientJobs = series(
  Metric.counter("gearman_client_jobs", { description: "Calls that ended", incremental: true }),
  ["function", "outcome"]
)
const workerJobs = series(
  Metric.counter("gearman_worker_jobs", { description: "Jobs that ended", incremental: true }),
  ["function", "outcome"]
)
const workerSeconds = series(
  Metric.histogram("gearman_worker_seconds", {
    description: "How long handlers ran, in seconds",
    boundaries: Metric.exponentialBoundaries({ start: 0.001, factor: 4, count: 10 })
  }),
  ["function"]
)
const clientSeconds = series(
  Metric.histogram("gearman_client_seconds", {
    description: "How long calls took, in seconds",
    boundaries: Metric.exponentialBoundaries({ start: 0.001, factor: 4, count: 10 })
  }),
  ["function"]
)
const connectionsLost = series(
  Metric.counter("gearman_connections_lost", {
    description: "Connections lost, and attempts to connect that failed",
    incremental: true
  }),
  ["role", "server"]
)

export const clientJob = (name: string, outcome: string, seconds: number): Effect.Effect<void> =>
  Effect.andThen(clientJobs(name, outcome, 1), clientSeconds(name, "", seconds))
export const workerJob = (name: string, outcome: string): Effect.Effect<void> => workerJobs(name, outcome, 1)
export const handlerSeconds = (name: string, seconds: number): Effect.Effect<void> => workerSeconds(name, "", seconds)
export const connectionLost = (role: string, server: string): Effect.Effect<void> => connectionsLost(role, server, 1)
