/**
 * What an attack costs the others: the latency of an innocent client's jobs while one
 * process attacks the server as hard as it can, beside the same without it, and while it
 * attacks a bystander on the same machine, which no server can do anything about.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { attacks as all, isOnTls } from "../attacks/attacks.ts"
import { run } from "../support/load.ts"
import { number, ratio, showMedian, showRatio } from "../support/report.ts"
import type { Section } from "../support/Section.ts"
import {
  deployedEnvironment,
  gearmandVersion,
  residentBytes,
  type ServerName,
  start,
  titles
} from "../support/servers.ts"

const folder = join(import.meta.dirname, "../attacks")

/** Runs a program at the lowest priority: another machine's CPU is not ours. */
const aside = (program: string, ...parameters: ReadonlyArray<string>): ChildProcess => {
  const raised = 'ulimit -n 65536 2>/dev/null; exec chrt --other 0 nice -n 19 "$@"'
  const command = ["-c", raised, "sh", process.execPath, join(folder, program), ...parameters]
  return spawn("sh", command, { stdio: ["pipe", "pipe", "inherit"] })
}

const end = async (child: ChildProcess): Promise<void> => {
  const ended = once(child, "exit")
  child.stdin!.end()
  child.kill("SIGKILL")
  await ended
}

/** Attacks a port while `measure` runs. */
const under = async <A>(port: number, name: string, measure: () => Promise<A>): Promise<A> => {
  const measured = measure()
  // Those who are there already are who it is about.
  await sleep(500)
  const attacker = aside("attacker.ts", name, String(port))
  try {
    return await measured
  } finally {
    await end(attacker)
  }
}

/** Attacks a process that has nothing to do with the server while `measure` runs. */
const beside = async <A>(name: string, measure: () => Promise<A>): Promise<A> => {
  const bystander = aside("bystander.ts")
  const [port] = await once(bystander.stdout!, "data")
  try {
    return await under(Number(String(port)), name, measure)
  } finally {
    await end(bystander)
  }
}

/** Far from what the server could do; the attack is at its height when the measuring begins. */
const innocent = { mode: "foreground", rate: 200, clients: 2, workers: 2, warmup: 3 } as const

/** What one server's clients noticed of one attack. */
class Felt {
  readonly peace = new Array<number>()
  readonly beside = new Array<number>()
  readonly attacked = new Array<number>()
  cpu = 0
  resident = 0
  /** Why there are no figures. */
  failure = ""

  get cells(): ReadonlyArray<string> {
    if (this.failure !== "") return ["", "", this.failure, ""]
    const ratios = showRatio(ratio(this.attacked, this.peace))
    return [showMedian(this.peace), showMedian(this.beside), showMedian(this.attacked), ratios]
  }
}

export const attacks: Section = {
  name: "attacks",
  what: "latency of an innocent client while somebody attacks, beside the same without",
  method:
    "Each server runs with the environment of the unit in `deploy/`. The attacker has the lowest priority, and so has " +
    "the bystander, which takes what it is sent: what innocent clients notice of an attack on it is the machine's " +
    "doing. The ratio is that of attacked to in peace.",
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
        const server = await start(name, name === "ours" ? ["--max-functions=20000"] : [], deployedEnvironment())
        await run(server, { ...innocent, warmup: 0.5, seconds: 1 })
        try {
          for (let round = 0; round < rounds; round++) {
            const measured = () => run(server, { ...innocent, seconds })
            for (const [what, p99s, measure] of [
              ["in peace", found.peace, () => run(server, { ...innocent, seconds, warmup: 0.5 })],
              ["bystander attacked", found.beside, () => beside(attack, measured)],
              ["attacked", found.attacked, () => under(server.port, attack, measured)]
            ] as const) {
              const figures = await measure()
              if (figures.jobs === 0) throw new Error("no job was done")
              p99s.push(figures.p99Micros)
              found.cpu = figures.serverCpuSeconds / figures.seconds
              record({ section: "attacks", cell: `${attack}, ${what}`, server: name, round, ...figures })
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
        title: `p99 latency of foreground jobs at ${innocent.rate} jobs/s, µs, in peace, while a bystander is attacked, and while the server is`,
        columns: [
          "attack",
          ...names.flatMap((name) => [`${titles[name]}, in peace`, "bystander attacked", "attacked", "ratio"]),
          "our CPU",
          "resident after, MiB"
        ],
        rows
      }
    ]
  }
}
