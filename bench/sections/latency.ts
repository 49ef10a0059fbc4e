/**
 * How long a caller waits when the server is half busy: each job is due at a fixed
 * moment, at half the rate that gearmand reaches, and its wait counts from that moment.
 */
import { run } from "../support/load.ts"
import { number, ratio, showMedian, showRatio, spread } from "../support/report.ts"
import type { Section } from "../support/Section.ts"
import { type ServerName, titles } from "../support/servers.ts"

const payloads = [
  { title: "10 B", payload: 10 },
  { title: "10 KiB", payload: 10_240 }
]

export const latency: Section = {
  name: "latency",
  what: "p50 and p99 at half of gearmand's highest rate; without gearmand, of our own",
  measure: async ({ servers, rounds, seconds, record, progress }) => {
    const others = servers.filter(({ name }) => name !== "ours")
    const rows = new Array<ReadonlyArray<string>>()
    for (const { title, payload } of payloads) {
      const connections = { payload, clients: 10, workers: 10 }
      const rates = new Array<number>()
      for (const server of others.length > 0 ? others : servers) {
        const figures = await run(server, { mode: "foreground", seconds, outstanding: 100, ...connections })
        rates.push(figures.jobs / figures.seconds)
      }
      const rate = Math.round(Math.max(...rates, 2_000) / 2)
      const found = new Map(servers.map(({ name }) => [name, { p50: new Array<number>(), p99: new Array<number>() }]))
      for (let round = 0; round < rounds; round++) {
        for (const server of servers) {
          const figures = await run(server, { mode: "foreground", seconds, rate, ...connections })
          record({ section: "latency", cell: title, server: server.name, round, rate, ...figures })
          found.get(server.name)!.p50.push(figures.p50Micros)
          found.get(server.name)!.p99.push(figures.p99Micros)
        }
      }
      for (const field of ["p50", "p99"] as const) {
        const of = (name: ServerName) => found.get(name)![field]
        rows.push([
          `${title}, ${number(rate)} jobs/s, ${field}`,
          ...servers.map(({ name }) => showMedian(of(name))),
          ...others.map(({ name }) => showRatio(ratio(of("ours"), of(name))))
        ])
      }
      progress(`${title} at ${spread(rates).highest.toFixed(0)} / 2 jobs/s`)
    }
    return [
      {
        title: "Latency of foreground jobs, µs",
        columns: [
          "cell",
          ...servers.map(({ name }) => titles[name]),
          ...others.map(({ name }) => `ratio to ${titles[name]}`)
        ],
        rows
      }
    ]
  }
}
