/**
 * The job server's metrics in Prometheus' text format. Gauges and totals are read from
 * the server at each scrape, so they cost nothing in between and vanish with what they
 * describe; only the histograms are kept up as jobs go by.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Fs from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as Packet from "../../protocol/Packet.ts"
import type { Counters } from "../../protocol/server/Counters.ts"
import type { ServerFunction } from "../../protocol/server/Functions.ts"
import type { JobServerCore } from "../../protocol/server/JobServerCore.ts"
import type { Traffic } from "../../protocol/server/Traffic.ts"
import { version } from "../version.ts"
import { FunctionTimes, type JobTimes, otherLabel, outcomes, priorityNames } from "./JobTimes.ts"
import { type Histogram, type Page, RegistryPage, TextPage } from "./MetricsPage.ts"
import { atOnce, inSlices } from "./Slices.ts"

/** A connection was closed because a limit was reached. */
export type Refusals = ReadonlyMap<string, number>

/** Totals over all functions, which dashboards and alerts begin with. */
const totals: ReadonlyArray<readonly [keyof Counters, name: string, description: string]> = [
  ["connections", "gearman_connections_accepted_total", "Connections accepted"],
  ["malformed", "gearman_connections_malformed_total", "Connections closed because what they sent was no Gearman"],
  ["cut", "gearman_connections_cut_total", "Connections cut because they did not read their answers"],
  ["lines", "gearman_text_commands_total", "Text commands received"],
  ["assigned", "gearman_jobs_assigned_total", "Jobs given to workers, each attempt counted"],
  ["requeued", "gearman_jobs_requeued_total", "Attempts lost with their worker or its time, and queued again"],
  ["timedOut", "gearman_jobs_timed_out_total", "Attempts that used up their CAN_DO_TIMEOUT"],
  ["passedOn", "gearman_wakeups_passed_on_total", "Wake-ups that went on to the next sleeper because nobody came"],
  ["missedWakeups", "gearman_missed_wakeups_total", "Functions found stuck by a bug of the server; stays 0"]
]

/** Types that went by at least once: most never do. */
const describeTraffic = (page: Page, { received, receivedBytes, sent, sentBytes }: Traffic): void => {
  page.total("gearman_bytes_total", "Bytes of packets and text commands", receivedBytes, { direction: "received" })
  page.total("gearman_bytes_total", "Bytes of packets and text commands", sentBytes, { direction: "sent" })
  for (const [direction, counts] of Object.entries({ received, sent })) {
    for (const [number, count] of counts.entries()) {
      const type = Packet.nameOf(number)
      if (count > 0 && type !== undefined)
        page.total("gearman_packets_total", "Packets, by type", count, { type, direction })
    }
  }
}

const describeFunction = (
  page: Page,
  fn: ServerFunction,
  name: string,
  running: ReadonlyArray<number> | undefined
): void => {
  const jobs = (state: string, priority: number, value: number) =>
    page.gauge("gearman_jobs", "Jobs by state", value, { function: name, priority: priorityNames[priority]!, state })
  for (let priority = 0; priority < priorityNames.length; priority++) {
    jobs("waiting", priority, fn.queues[priority]!.size)
    jobs("delayed", priority, fn.scheduled[priority]!)
    jobs("running", priority, running?.[priority] ?? 0)
  }
  // The names of the exporter that existing dashboards were made for.
  page.gauge("gearman_jobs_waiting", "Jobs that no worker has taken yet", fn.jobCount - fn.runningCount, {
    function: name
  })
  page.gauge("gearman_jobs_running", "Jobs that a worker has", fn.runningCount, { function: name })
  for (const [state, value] of Object.entries(workersOf(fn))) {
    page.gauge("gearman_workers", "Workers that can do the function, by what they are at", value, {
      function: name,
      state
    })
  }
}

/** Functions that get gauges of their own in one scrape; see `JobTimes`. */
const maxFunctions = 1_000
/** And in one export by Effect's exporters, whose registries cannot be read piece by piece. */
const maxExported = 200

/** What has happened to a function's jobs. */
const describeTimes = (
  page: Page,
  { background, foreground, label, merged, outcomes: counts }: FunctionTimes
): void => {
  for (const [at, priority] of priorityNames.entries()) {
    for (const [kind, submitted] of Object.entries({ foreground, background })) {
      page.total("gearman_jobs_submitted_total", "Submissions that made a job", submitted[at]!, {
        function: label,
        priority,
        kind
      })
    }
  }
  page.total("gearman_jobs_coalesced_total", "Submissions that joined a job", merged, { function: label })
  for (const outcome of outcomes) {
    page.total("gearman_jobs_completed_total", "Jobs that ended, by how", counts[outcome], {
      function: label,
      outcome
    })
  }
}

/** How often it is looked how late the event loop is. */
const lagResolutionMillis = 20

const describeProcess = (page: Page, lag: { readonly mean: number; readonly max: number }): void => {
  const usage = process.cpuUsage()
  page.total("process_cpu_seconds_total", "CPU time used", (usage.user + usage.system) / 1e6)
  const memory = process.memoryUsage()
  page.gauge("process_resident_memory_bytes", "Memory in use", memory.rss)
  page.gauge("nodejs_heap_size_used_bytes", "Heap in use, garbage included", memory.heapUsed)
  page.gauge("nodejs_heap_size_total_bytes", "Memory reserved for the heap", memory.heapTotal)
  page.gauge("nodejs_external_memory_bytes", "Memory in use outside the heap", memory.external)
  page.gauge("process_start_time_seconds", "When the process was started", Date.now() / 1e3 - process.uptime())
  page.gauge("nodejs_eventloop_lag_mean_seconds", "Mean delay of the event loop since the last scrape", lag.mean)
  page.gauge("nodejs_eventloop_lag_max_seconds", "Longest delay of the event loop since the last scrape", lag.max)
  try {
    page.gauge("process_open_fds", "Open file descriptors", Fs.readdirSync("/proc/self/fd").length)
  } catch {
    // Only Linux tells.
  }
}

/** Collects scrapes. */
export interface Metrics {
  /** The numbers of the moment, for Effect's exporters; of two hundred functions at most. */
  readonly collect: () => Metric.MetricRegistry
  /** The same of a thousand functions in Prometheus' text format. Nobody waits for it but who asked. */
  readonly render: Effect.Effect<string>
}

/** A registry for Effect's exporters that is collected whenever it is read. */
export const liveRegistry = (metrics: Metrics): Metric.MetricRegistry => {
  const registry: Metric.MetricRegistry = new Map()
  registry.values = () => metrics.collect().values()
  return registry
}

/** What there is to measure. */
export interface Sources {
  readonly core: JobServerCore
  readonly times: JobTimes
  readonly refusals: Refusals
  readonly linesLost: () => number
}

/** Starts to follow a server. */
export const make = ({ core, linesLost, refusals, times }: Sources): Metrics => {
  const delay = monitorEventLoopDelay({ resolution: lagResolutionMillis })
  delay.enable()
  // What is measured is the time from one look to the next: only what is longer than it should be is delay.
  const seconds = (nanoseconds: number) =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - lagResolutionMillis / 1e3) : 0

  const describeServer = (page: Page): void => {
    page.gauge("gearman_up", "Always 1", 1)
    page.gauge("gearman_build_info", "The server's version", 1, { version })
    for (const [role, count] of Object.entries(rolesOf(core)))
      page.gauge("gearman_connections", "Open connections", count, { role })
    for (const [reason, count] of refusals) {
      page.total("gearman_connections_refused_total", "Connections closed at a limit, or in the TLS handshake", count, {
        reason
      })
    }
    for (const [counter, name, description] of totals) page.total(name, description, core.counters[counter])
    for (const [reason, count] of core.jobs.refusals.byReason) {
      page.total("gearman_refusals_total", "What was refused: a right, or a limit", count, { reason })
    }
    describeTraffic(page, core.traffic)
    page.total("gearman_log_lines_lost_total", "Lines of the log that could not be written", linesLost())
    page.gauge("gearman_workload_bytes", "Bytes of all workloads together", core.jobs.workloadBytes)
    page.gauge("gearman_job_listeners", "Submissions that wait for a job", core.jobs.attachmentCount)
    describeProcess(page, { mean: seconds(delay.mean), max: seconds(delay.max) })
    delay.reset()
  }

  /** Pauses after each function. */
  function* describe(page: Page, most: number): Generator<void, void> {
    describeServer(page)
    const running = new Map<string, ReadonlyArray<number>>()
    for (const fn of firstOfTimes(times, most)) {
      if (running.has(fn.label)) continue
      running.set(fn.label, fn.running)
      describeTimes(page, fn)
      yield
    }
    // Collected before: one that goes and comes again meanwhile would be told twice.
    const described = new Set<string>()
    for (const fn of firstFunctions(core, most)) {
      const label = times.labelOf(fn.key)
      if (described.has(label)) continue
      described.add(label)
      describeFunction(page, fn, label, running.get(label))
      yield
    }
    for (const histogram of firstOf(Context.get(times.registry, Metric.MetricRegistry).values(), most * 6)) {
      page.histogram(histogram as Histogram)
      yield
    }
  }

  return {
    render: inSlices(function* () {
      const page = new TextPage()
      yield* describe(page, maxFunctions)
      return page.text
    }),
    collect: () => {
      const page = new RegistryPage()
      atOnce(() => describe(page, maxExported))
      return page.registry
    }
  }
}

/** The first functions, and all others together: their sums stay those of the whole server. */
const firstOfTimes = (times: JobTimes, most: number): ReadonlyArray<FunctionTimes> => {
  const named: Array<FunctionTimes> = []
  const other = new FunctionTimes(otherLabel)
  for (const fn of times.functions) {
    if (named.length < most && fn.label !== otherLabel) named.push(fn)
    else other.add(fn)
  }
  return other.isEmpty ? named : [...named, other]
}

/** Those that have jobs or workers before those that had some. */
const firstFunctions = ({ jobs }: JobServerCore, most: number): ReadonlyArray<ServerFunction> => {
  const needed = firstOf(jobs.functions.values(), most, (fn) => !fn.isIdle)
  return [...needed, ...firstOf(jobs.functions.values(), most - needed.length, (fn) => fn.isIdle)]
}

const firstOf = <A>(all: Iterable<A>, most: number, isMeant: (one: A) => boolean = () => true): ReadonlyArray<A> => {
  const first: Array<A> = []
  for (const one of all) {
    if (first.length >= most) break
    if (isMeant(one)) first.push(one)
  }
  return first
}

/** How many connections are what: those that can do something, those that have said nothing yet, and all others. */
export const rolesOf = ({ sessions }: JobServerCore) => {
  const roles = { worker: 0, silent: 0, other: 0 }
  for (const session of sessions) roles[session.abilities.size > 0 ? "worker" : session.isSilent ? "silent" : "other"]++
  return roles
}

/** What the workers of a function are at. */
export const workersOf = (fn: ServerFunction) => {
  const states = { busy: 0, sleeping: 0, awake: 0 }
  for (const { session } of fn.abilities) {
    states[session.isBusy ? "busy" : session.sleep === "awake" ? "awake" : "sleeping"]++
  }
  return states
}
