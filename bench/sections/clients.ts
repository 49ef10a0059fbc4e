/**
 * What client and worker cost: jobs per second and CPU per job of each process, ours
 * beside those of other languages, against one server.
 */
import { run, withWorkers } from "../support/load.ts"
import { clientPeers, type Pace, pace, type Peer, withProcess, workerPeers } from "../support/peers.ts"
import { number, ratio, showRatio, spread, type Table } from "../support/report.ts"
import type { Context, Section } from "../support/Section.ts"
import { titles } from "../support/servers.ts"

const payload = 10
const outstanding = 1000

const show = (values: ReadonlyArray<number>): string => {
  const { median, lowest, highest } = spread(values)
  return `${number(median)} (${number(lowest)}–${number(highest)})`
}

/** Measures each in turn, round by round. */
const compare = async <P extends Peer>(
  title: string,
  peers: ReadonlyArray<P>,
  { rounds, record, progress }: Context,
  server: Context["servers"][number],
  measure: (peer: P) => Promise<Pace>
): Promise<Table> => {
  const here = peers.filter(({ isHere }) => isHere)
  const found = new Map(here.map((peer) => [peer, { rate: new Array<number>(), cpu: new Array<number>() }]))
  for (let round = 0; round < rounds; round++) {
    for (const [peer, { rate, cpu }] of found) {
      const { jobs, seconds, cpuSeconds } = await measure(peer)
      rate.push(jobs / seconds)
      cpu.push((cpuSeconds / jobs) * 1e6)
      record({
        section: "clients",
        cell: title,
        peer: peer.title,
        server: server.name,
        round,
        jobs,
        seconds,
        cpuSeconds
      })
    }
  }
  progress(title)
  const ours = found.get(here[0]!)!
  return {
    title,
    columns: ["", "jobs per second", "CPU per job, µs", "CPU of ours to theirs"],
    rows: Array.from(found, ([peer, { rate, cpu }], at) => [
      peer.title,
      show(rate),
      show(cpu),
      at === 0 ? "" : showRatio(ratio(ours.cpu, cpu))
    ])
  }
}

export const clients: Section = {
  name: "clients",
  what: "jobs per second and CPU per job of clients and workers, beside PHP's, Perl's and the gearman tool",
  method: `Each client and worker is a process of its own (\`bench/clients\`), warm, and the CPU is that process's; the other side is the load generator. A client submits as many jobs as are said and waits for all of them, again and again. A worker's handler gives back what it was given; that of the \`gearman\` tool prints it. Rounds in turn; in brackets the lowest and the highest.`,
  measure: async (context) => {
    const { scale, seconds, servers } = context
    const server = servers.find(({ name }) => name === "gearmand") ?? servers[0]!
    const time = { warmup: scale === 1 ? 1.5 : 0.7, seconds }
    const prefix = "clients"
    const fn = `${prefix}0`
    const beside = `of ${payload} B against ${titles[server.name]}`

    const clientsWith = (title: string, count: number) =>
      withWorkers(server, { workers: count === 1 ? 1 : 10, functions: 1, prefix }, () =>
        compare(
          `A client, ${title} ${beside}`,
          clientPeers.filter(({ resultBytes }) => count === 1 || resultBytes === undefined),
          context,
          server,
          (peer) => pace(peer, server.port, fn, count, time)
        )
      )

    return [
      await clientsWith(`${number(outstanding)} jobs at a time,`, outstanding),
      await clientsWith("one job at a time,", 1),
      await compare(
        `A worker whose handler does nothing, ${number(outstanding)} jobs outstanding, ${beside}`,
        workerPeers,
        context,
        server,
        (peer) =>
          withProcess(peer.command(server.port, fn), "ignore", async ({ pid, stdout }) => {
            stdout!.resume()
            const load = {
              mode: "foreground",
              clients: 10,
              workers: 0,
              functions: 1,
              payload,
              outstanding,
              prefix
            } as const
            const figures = await run({ name: server.name, port: server.port, pid }, { ...load, ...time })
            return { jobs: figures.jobs, seconds: figures.seconds, cpuSeconds: figures.serverCpuSeconds }
          })
      )
    ]
  }
}
