/**
 * What clients and workers count, by Effect's `Metric`.
 *
 * - `gearman_client_jobs{function, outcome}`: calls that ended; the outcome is `success`, the
 *   function's own `error`, or the tag of the reason.
 * - `gearman_worker_jobs{function, outcome}`: jobs that ended; `success`, `fail`,
 *   `exception` or `lost`.
 * - `gearman_worker_seconds{function}`: how long handlers ran.
 * - `gearman_connections_lost{role, server}`: connections lost, and attempts to connect that failed.
 */
import type * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

// Whoever names functions or servers without end gets them counted together.
const maxSeries = 1000

/** A series per set of labels, made once. */
const series = <M extends Metric.Metric<number, unknown>>(
  metric: M,
  labelNames: ReadonlyArray<string>
): ((labels: ReadonlyArray<string>, value: number) => Effect.Effect<void>) => {
  const known = new Map<string, Metric.Metric<number, unknown>>()
  const make = (labels: ReadonlyArray<string>) =>
    Metric.withAttributes(metric, Object.fromEntries(labelNames.map((name, index) => [name, labels[index]!])))
  return (labels, value) => {
    const key = labels.join("\0")
    let found = known.get(key)
    if (found === undefined) {
      const isFull = known.size >= maxSeries
      found = make(isFull ? labels.map(() => "other") : labels)
      if (!isFull) known.set(key, found)
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
const connectionsLost = series(
  Metric.counter("gearman_connections_lost", {
    description: "Connections lost, and attempts to connect that failed",
    incremental: true
  }),
  ["role", "server"]
)

export const clientJob = (name: string, outcome: string): Effect.Effect<void> => clientJobs([name, outcome], 1)
export const workerJob = (name: string, outcome: string): Effect.Effect<void> => workerJobs([name, outcome], 1)
export const handlerSeconds = (name: string, seconds: number): Effect.Effect<void> => workerSeconds([name], seconds)
export const connectionLost = (role: string, server: string): Effect.Effect<void> => connectionsLost([role, server], 1)
