/**
 * What an attack costs the others: the latency of an innocent client's jobs while one
 * process attacks the server as hard as it can, beside the same without it.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { attacks as all, isOnTls } from "../attacks/attacks.ts"
import { run } from "../support/load.ts"
import { number, ratio, showMedian, showRatio } from "../support/report.ts"
import type { Section } from "../support/Section.ts"
import {
  gearmandVersion,
  residentBytes,
  type RunningServer,
  type ServerName,
  start,
  titles
} from "../support/servers.ts"

const program = join(import.meta.dirname, "../attacks/attacker.ts")

/** Attacks while `measure` runs, at the lowest priority: another machine's CPU is not ours. */
const under = async <A>(server: RunningServer, name: string, measure: () => Promise<A>): Promise<A> => {
  const measured = measure()
  // Those who are there already are who it is about.
  await sleep(500)
  const command = [
    "-c",
    'ulimit -n 65536 2>/dev/null; exec chrt --other 0 nice -n 19 "$@"',
    "sh",
    process.execPath,
    program
  ]
  const attacker = spawn("sh", [...command, name, String(server.port)], { stdio: ["pipe", "ignore", "inherit"] })
  const ended = once(attacker, "exit")
  try {
    return await measured
  } finally {
    attacker.stdin.end()
    attacker.kill("SIGKILL")
    await ended
  }
}

/** Far from what the server could do; the attack is at its height when the measuring begins. */
const innocent = { mode: "foreground", rate: 200, clients: 2, workers: 2, warmup: 3 } as const

/** What one server's clients noticed of one attack. */
class Felt {
  readonly peace = new Array<number>()
  readonly attacked = new Array<number>()
  cpu = 0
  resident = 0
  /** Why there are no figures. */
  failure = ""

  get cells(): ReadonlyArray<string> {
    if (this.failure !== "") return ["", this.failure, ""]
    return [showMedian(this.peace), showMedian(this.attacked), showRatio(ratio(this.attacked, this.peace))]
  }
}

export const attacks: Section = {
  name: "attacks",
  what: "latency of an innocent client while somebody attacks, beside the same without",
  isAlone: true,
  measure: async ({ isAlone, match, rounds, seconds, record, progress }) => {
    const rows = new Array<ReadonlyArray<string>>()
    const names: ReadonlyArray<ServerName> =
      isAlone || gearmandVersion() === undefined ? ["ours"] : ["ours", "gearmand"]
    // The load generator does not speak TLS, so what an attack there costs is not measured.
    for (const attack of Object.keys(all).filter((name) => !isOnTls(name) && name.includes(match))) {
      const felt = new Map(names.map((name) => [name, new Felt()]))
      for (const [name, found] of felt) {
        // One of its own each time, for what an attack leaves behind.
        const server = await start(name, name === "ours" ? ["--max-functions=20000"] : [])
        await run(server, { ...innocent, warmup: 0.5, seconds: 1 })
        try {
          for (let round = 0; round < rounds; round++) {
            for (const [p99s, measure] of [
              [found.peace, () => run(server, { ...innocent, seconds, warmup: 0.5 })],
              [found.attacked, () => under(server, attack, () => run(server, { ...innocent, seconds }))]
            ] as const) {
              const figures = await measure()
              if (figures.jobs === 0) throw new Error("no job was done")
              p99s.push(figures.p99Micros)
              found.cpu = figures.serverCpuSeconds / figures.seconds
              const cell = `${attack}, ${p99s === found.attacked ? "attacked" : "in peace"}`
              record({ section: "attacks", cell, server: name, round, ...figures })
              await sleep(500)
            }
          }
          found.resident = residentBytes(server.pid)
        } catch {
          found.failure = "no answer"
        }
        await server.stop()
      }
      const { cpu, resident } = felt.get("ours")!
      const row = [
        attack,
        ...[...felt.values()].flatMap(({ cells }) => cells),
        `${Math.round(cpu * 100)} %`,
        number(resident / 2 ** 20)
      ]
      rows.push(row)
      progress(row.join(" | "))
    }
    return [
      {
        title: `p99 latency of foreground jobs at ${innocent.rate} jobs/s, µs, in peace and while attacked`,
        columns: [
          "attack",
          ...names.flatMap((name) => [`${titles[name]}, in peace`, "attacked", "ratio"]),
          "our CPU",
          "resident after, MiB"
        ],
        rows
      }
    ]
  }
}
