/**
 * What waiting costs: resident memory per queued job and per idle connection, how long
 * the server stands still while a million jobs pile up, and what a job costs beside them.
 */
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { run, withIdle } from "../support/load.ts"
import { number } from "../support/report.ts"
import type { Section } from "../support/Section.ts"
import { deployedEnvironment, residentBytes, type ServerName, start, titles } from "../support/servers.ts"

/** Asks for the list of all jobs, once and again, while `measure` runs. */
const withListing = async <A>(port: number, measure: () => Promise<A>): Promise<A> => {
  const socket = connect(port, "127.0.0.1", () => socket.write("show jobs\n"))
  socket.on("data", (bytes) => {
    // Lines end with a flag; only the dot that ends the list stands before a line's end.
    if (bytes.at(-2) === 46) socket.write("show jobs\n")
  })
  try {
    return await measure()
  } finally {
    socket.destroy()
  }
}

/** V8's young generation may grow by more than all connections hold; those who deploy bound it. */
const startAsDeployed = (name: ServerName) => start(name, [], name === "ours" ? deployedEnvironment() : {})

/** Time for a server to have given back what it had for the moment only. */
const settle = () => sleep(2_000)

export const memory: Section = {
  name: "memory",
  method:
    "Our server has the environment that `deploy/effect-gearman.service` sets. Memory is `VmRSS`, two seconds after " +
    "the last request; no collection is forced, so what is garbage then counts. Idle connections have said nothing.",
  what: "bytes per queued job and per idle connection, with a million and ten thousand of them; measured once",
  isOnce: true,
  measure: async ({ servers, seconds, scale, record, progress }) => {
    const rows = new Array<ReadonlyArray<string>>()
    for (const { name } of servers) {
      // What is compared is by job and by connection; with more, gearmand's part takes many minutes.
      const share = name === "ours" ? scale : scale / 10
      const queued = Math.round(1_000_000 * share)
      const idle = Math.round(10_000 * share)
      // One of its own: the others have been busy, and keep what that took.
      const server = await startAsDeployed(name)
      const busy = { mode: "foreground", outstanding: 100, seconds } as const
      const costOf = (figures: Awaited<ReturnType<typeof run>>) => (figures.serverCpuSeconds / figures.jobs) * 1e6
      const before = await run(server, busy)
      await settle()
      const resident = residentBytes(server.pid)
      const filled = await run(server, { mode: "fill", count: queued, outstanding: 1000, prefix: "queued" })
      await settle()
      const perJob = (residentBytes(server.pid) - resident) / queued
      const beside = await run(server, busy)
      const listed = await withListing(server.port, () => run(server, busy))
      const drained = await run(server, { mode: "drain", count: queued, prefix: "queued" })
      await server.stop()

      const fresh = await startAsDeployed(name)
      await run(fresh, busy)
      await settle()
      const residentAlone = residentBytes(fresh.pid)
      const crowd = await withIdle(fresh, idle, async () => {
        await settle()
        // Asked before the traffic, which leaves memory of its own.
        const residentWithIdle = residentBytes(fresh.pid)
        return { residentWithIdle, traffic: await run(fresh, busy) }
      })
      const perConnection = (crowd.residentWithIdle - residentAlone) / idle
      await fresh.stop()

      record({
        ...{ section: "memory", cell: "queue", server: name, round: 0, perJob, perConnection, resident },
        fillRate: filled.jobs / filled.seconds,
        drainRate: drained.jobs / drained.seconds,
        longestGapMillis: filled.longestGapMillis,
        longestGapBesideMillis: beside.longestGapMillis,
        longestGapListingMillis: listed.longestGapMillis,
        longestGapDrainingMillis: drained.longestGapMillis,
        cpuBefore: costOf(before),
        cpuBeside: costOf(beside),
        cpuInCrowd: costOf(crowd.traffic),
        rateInCrowd: crowd.traffic.jobs / crowd.traffic.seconds
      })
      rows.push([
        titles[name],
        number(queued),
        number(idle),
        number(resident / 2 ** 20),
        number(perJob),
        number(perConnection),
        number(filled.jobs / filled.seconds),
        number(drained.jobs / drained.seconds),
        number(filled.longestGapMillis),
        number(beside.longestGapMillis),
        number(listed.longestGapMillis),
        number(drained.longestGapMillis),
        number(costOf(before)),
        number(costOf(beside)),
        number(costOf(crowd.traffic)),
        number(crowd.traffic.jobs / crowd.traffic.seconds)
      ])
      progress(titles[name])
    }
    return [
      {
        title: "Queued background jobs of 10 B, and idle connections",
        columns: [
          "server",
          "jobs",
          "connections",
          "resident, MiB",
          "bytes per job",
          "bytes per connection",
          "queued per s",
          "drained per s",
          "longest gap while queueing, ms",
          "longest gap beside the queue, ms",
          "longest gap while it is listed, ms",
          "longest gap while draining, ms",
          "CPU per job before, µs",
          "CPU per job beside the queue, µs",
          "CPU per job among the connections, µs",
          "jobs/s among the connections"
        ],
        rows
      }
    ]
  }
}
