/**
 * What a soak looks at from outside while it runs: the server's memory, descriptors and
 * queues; and the line through such points, with how far it can be trusted.
 */
import { readdirSync, readFileSync } from "node:fs"
import type { RunningServer } from "../support/servers.ts"

/** One look at the server. */
export interface Sample {
  readonly minute: number
  readonly residentBytes: number
  readonly heapBytes: number
  readonly reservedHeapBytes: number
  readonly externalBytes: number
  readonly descriptors: number
  /** Sockets of the server whose peer has gone and that it has not closed. */
  readonly closeWait: number
  readonly connections: number
  readonly waiting: number
  readonly running: number
  /** Jobs made and jobs ended since the server started, by its own count. */
  readonly submitted: number
  readonly ended: number
  readonly requeued: number
}

/** The samples of a page of metrics, summed by name. */
const sums = (page: string): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const line of page.split("\n")) {
    if (line === "" || line.startsWith("#")) continue
    const name = /^[a-z_]+/.exec(line)![0]
    found.set(name, (found.get(name) ?? 0) + Number(line.slice(line.lastIndexOf(" ") + 1)))
  }
  return found
}

const closeWaitState = "08"

const countCloseWait = (port: number): number => {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(local) === true && fields[3] === closeWaitState).length
}

/** Looks once. */
export const look = async (server: RunningServer, httpPort: number, sinceMillis: number): Promise<Sample> => {
  const page = sums(await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text())
  const of = (name: string) => page.get(name) ?? 0
  return {
    minute: (performance.now() - sinceMillis) / 60_000,
    residentBytes: of("process_resident_memory_bytes"),
    heapBytes: of("nodejs_heap_size_used_bytes"),
    reservedHeapBytes: of("nodejs_heap_size_total_bytes"),
    externalBytes: of("nodejs_external_memory_bytes"),
    descriptors: readdirSync(`/proc/${server.pid}/fd`).length,
    closeWait: countCloseWait(server.port),
    connections: of("gearman_connections"),
    waiting: of("gearman_jobs_waiting"),
    running: of("gearman_jobs_running"),
    submitted: of("gearman_jobs_submitted_total"),
    ended: of("gearman_jobs_completed_total"),
    requeued: of("gearman_jobs_requeued_total")
  }
}

/** A slope and half the width of its 95 % interval, per hour. */
export interface Slope {
  readonly perHour: number
  readonly plusMinus: number
}

/** Student's t for 97.5 %, by degrees of freedom. */
const quantile = (freedom: number): number => {
  const known = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23]
  return known[freedom - 1] ?? 1.96 + 2.7 / freedom
}

/**
 * The line through the lowest value of each of twenty stretches of time. The lowest, since
 * between collections a heap rises by itself; stretches, since neighbours in time are
 * alike and would pretend to know more than they do.
 */
export const slopeOf = (samples: ReadonlyArray<Sample>, of: (sample: Sample) => number): Slope | undefined => {
  const stretches = 20
  if (samples.length < 3 * stretches) return undefined
  const points = Array.from({ length: stretches }, (_, index) => {
    const from = Math.floor((index * samples.length) / stretches)
    const stretch = samples.slice(from, Math.floor(((index + 1) * samples.length) / stretches))
    return { hour: stretch[Math.floor(stretch.length / 2)]!.minute / 60, value: Math.min(...stretch.map(of)) }
  })
  const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
  const meanHour = mean(points.map(({ hour }) => hour))
  const meanValue = mean(points.map(({ value }) => value))
  const spread = points.reduce((sum, { hour }) => sum + (hour - meanHour) ** 2, 0)
  const perHour = points.reduce((sum, { hour, value }) => sum + (hour - meanHour) * (value - meanValue), 0) / spread
  const residuals = points.map(({ hour, value }) => value - meanValue - perHour * (hour - meanHour))
  const variance = residuals.reduce((sum, residual) => sum + residual ** 2, 0) / (stretches - 2)
  return { perHour, plusMinus: quantile(stretches - 2) * Math.sqrt(variance / spread) }
}
