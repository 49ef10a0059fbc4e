/**
 * What an attack costs the others: the latency of an innocent client's jobs while one
 * process attacks the server as hard as it can, beside the same without it.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { attacks as all } from "../attacks/attacks.ts"
import { run } from "../support/load.ts"
import { number, ratio, showMedian, showRatio } from "../support/report.ts"
import type { Section } from "../support/Section.ts"
import { residentBytes, type RunningServer, start } from "../support/servers.ts"

const program = join(import.meta.dirname, "../attacks/attacker.ts")

/** Attacks while `measure` runs, at the lowest priority: another machine's CPU is not ours. */
const under = async <A>(server: RunningServer, name: string, measure: () => Promise<A>): Promise<A> => {
  const measured = measure()
  // Those who are there already are who it is about.
  await sleep(500)
  const command = ["-c", 'ulimit -n 65536 2>/dev/null; exec nice -n 19 "$@"', "sh", process.execPath, program]
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

export const attacks: Section = {
  name: "attacks",
  what: "latency of an innocent client while somebody attacks, beside the same without",
  isAlone: true,
  measure: async ({ match, rounds, seconds, record, progress }) => {
    const rows = new Array<ReadonlyArray<string>>()
    for (const name of Object.keys(all).filter((name) => name.includes(match))) {
      // One of its own each time, for what an attack leaves behind.
      const server = await start("ours", ["--max-functions=20000"])
      await run(server, { ...innocent, warmup: 0.5, seconds: 1 })
      const before = { p50: new Array<number>(), p99: new Array<number>() }
      const during = { p50: new Array<number>(), p99: new Array<number>() }
      let cpu = 0
      for (let round = 0; round < rounds; round++) {
        for (const [found, measure] of [
          [before, () => run(server, { ...innocent, seconds })],
          [during, () => under(server, name, () => run(server, { ...innocent, seconds }))]
        ] as const) {
          const figures = await measure()
          found.p50.push(figures.p50Micros)
          found.p99.push(figures.p99Micros)
          if (found === during) cpu = figures.serverCpuSeconds / figures.seconds
          record({
            section: "attacks",
            cell: `${name}, ${found === during ? "attacked" : "in peace"}`,
            server: "ours",
            round,
            ...figures
          })
          await sleep(500)
        }
      }
      rows.push([
        name,
        showMedian(before.p50),
        showMedian(during.p50),
        showMedian(before.p99),
        showMedian(during.p99),
        showRatio(ratio(during.p99, before.p99)),
        `${Math.round(cpu * 100)} %`,
        number(residentBytes(server.pid) / 2 ** 20)
      ])
      progress(name)
      await server.stop()
    }
    return [
      {
        title: `Latency of foreground jobs at ${innocent.rate} jobs/s, µs, in peace and while attacked`,
        columns: [
          "attack",
          "p50 in peace",
          "p50 attacked",
          "p99 in peace",
          "p99 attacked",
          "p99 ratio",
          "server's CPU",
          "resident after, MiB"
        ],
        rows
      }
    ]
  }
}
