/**
 * What `/status` shows, as JSON that is written piece by piece: a server may have a hundred
 * thousand functions.
 */
import type * as Effect from "effect/Effect"
import type { ServerFunction } from "../../protocol/server/Functions.ts"
import type { JobServerCore } from "../../protocol/server/JobServerCore.ts"
import { version } from "../version.ts"
import { labelOf } from "./JobTimes.ts"
import { rolesOf, workersOf } from "./Metrics.ts"
import type { FunctionState, Status } from "./MonitoringApi.ts"
import { inSlices } from "./Slices.ts"

const states = { no: "running", graceful: "draining", drain: "draining", now: "stopping" } as const

const serverOf = (core: JobServerCore): Omit<typeof Status.Type, "functions"> => ({
  version,
  processId: process.pid,
  uptimeSeconds: Math.round(process.uptime()),
  state: states[core.shutdown],
  connections: core.sessions.size,
  connectionsByRole: rolesOf(core),
  jobs: core.jobs.byNumber.size,
  workloadBytes: core.jobs.workloadBytes,
  counters: { ...core.counters },
  refusals: Object.fromEntries(core.jobs.refusals.byReason)
})

const stateOf = (fn: ServerFunction): typeof FunctionState.Type => {
  const { busy, sleeping } = workersOf(fn)
  return {
    function: labelOf(fn.key),
    waiting: { high: fn.queues[0].size, normal: fn.queues[1].size, low: fn.queues[2].size },
    delayed: fn.scheduled[0] + fn.scheduled[1] + fn.scheduled[2],
    running: fn.runningCount,
    workers: fn.abilities.size,
    busy,
    sleeping
  }
}

/** The JSON of a `Status`. Nobody waits for it but who asked. */
export const json = (core: JobServerCore): Effect.Effect<string> =>
  inSlices(function* () {
    const server = JSON.stringify(serverOf(core))
    const functions: Array<string> = []
    for (const fn of [...core.jobs.functions.values()]) {
      functions.push(JSON.stringify(stateOf(fn)))
      yield
    }
    return `${server.slice(0, -1)},"functions":[${functions.join(",")}]}`
  })
