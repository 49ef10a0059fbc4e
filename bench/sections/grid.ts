/**
 * What a job costs: server CPU per job and jobs per second while a fixed number of jobs
 * is outstanding.
 */
import { type Load, run } from "../support/load.ts"
import { ratio, showMedian, showRatio, type Table } from "../support/report.ts"
import { type RunningServer, type ServerName, titles } from "../support/servers.ts"
import type { Section } from "../support/Section.ts"

export interface Cell {
  readonly title: string
  readonly load: Load
}

const payloads = [
  { title: "10 B", payload: 10 },
  { title: "10 KiB", payload: 10_240 }
]

/** One connection for each job outstanding, and no more than ten of either kind. */
const connections = (outstanding: number) => ({
  outstanding,
  clients: Math.min(outstanding, 10),
  workers: Math.min(outstanding, 10)
})

export const cells: ReadonlyArray<Cell> = payloads.flatMap(({ title, payload }) => [
  ...(["foreground", "background"] as const).flatMap((mode) =>
    [1, 10, 100, 1000].map((outstanding) => ({
      title: `${mode}, ${title}, ${outstanding} outstanding`,
      load: { mode, payload, ...connections(outstanding) }
    }))
  ),
  ...[100, 1000].map((outstanding) => ({
    title: `100 callers a unique, ${title}, ${outstanding} outstanding`,
    load: { mode: "merged", payload, listeners: 100, ...connections(outstanding) } as const
  }))
])

/** Runs each cell against each server in turn, as often as there are rounds. */
export const measureCells = async (
  section: string,
  cells: ReadonlyArray<Cell>,
  { servers, rounds, seconds, record, progress }: Parameters<Section["measure"]>[0]
) => {
  const results = new Map<string, Map<ServerName, { cpu: Array<number>; rate: Array<number> }>>()
  for (const { title, load } of cells) {
    const cell = new Map(servers.map(({ name }) => [name, { cpu: new Array<number>(), rate: new Array<number>() }]))
    results.set(title, cell)
    for (let round = 0; round < rounds; round++) {
      for (const server of servers) {
        const figures = await run(server, { seconds, ...load })
        record({ section, cell: title, server: server.name, round, ...figures })
        cell.get(server.name)!.cpu.push((figures.serverCpuSeconds / figures.jobs) * 1e6)
        cell.get(server.name)!.rate.push(figures.jobs / figures.seconds)
      }
    }
    progress(title)
  }
  return results
}

export const tableOf = (
  title: string,
  servers: ReadonlyArray<RunningServer>,
  results: Awaited<ReturnType<typeof measureCells>>,
  field: "cpu" | "rate"
): Table => {
  const others = servers.filter(({ name }) => name !== "ours")
  return {
    title,
    columns: [
      "cell",
      ...servers.map(({ name }) => titles[name]),
      ...others.map(({ name }) => `ratio to ${titles[name]}`)
    ],
    rows: Array.from(results, ([cell, of]) => [
      cell,
      ...servers.map(({ name }) => showMedian(of.get(name)![field])),
      ...others.map(({ name }) => showRatio(ratio(of.get("ours")![field], of.get(name)![field])))
    ])
  }
}

export const grid: Section = {
  name: "grid",
  what: "CPU per job and jobs per second, by payload, kind and jobs outstanding",
  measure: async (context) => {
    const results = await measureCells("grid", cells, context)
    return [
      tableOf("Server CPU per job, µs (per caller where they share a unique)", context.servers, results, "cpu"),
      tableOf("Jobs per second", context.servers, results, "rate")
    ]
  }
}
