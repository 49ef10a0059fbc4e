/**
 * How the cost of a job grows with the number of functions that workers announce, and of
 * workers that sleep.
 */
import { logSlope, number, spread } from "../support/report.ts"
import type { Section } from "../support/Section.ts"
import { titles } from "../support/servers.ts"
import { type Cell, measureCells } from "./grid.ts"

const sizes = [1, 10, 100, 1000]

const families = [
  {
    title: "functions that each of 10 workers serves, 10 jobs outstanding",
    cellOf: (functions: number): Cell => ({
      title: `${functions} functions`,
      load: { mode: "foreground", functions, outstanding: 10 }
    })
  },
  {
    title: "workers that serve one function, 1 job outstanding: all sleep, and all are woken",
    cellOf: (workers: number): Cell => ({
      title: `${workers} sleeping workers`,
      load: { mode: "foreground", workers, clients: 1, outstanding: 1 }
    })
  }
]

export const growth: Section = {
  name: "growth",
  what: "CPU per job with 1 to 1,000 functions, and 1 to 1,000 sleeping workers",
  measure: async (context) => {
    const tables = []
    for (const { title, cellOf } of families) {
      const results = await measureCells("growth", sizes.map(cellOf), context)
      tables.push({
        title: `Server CPU per job, µs, by number of ${title}`,
        columns: ["server", ...sizes.map(String), "log–log slope"],
        rows: context.servers.map(({ name }) => {
          const costs = Array.from(results.values(), (cell) => spread(cell.get(name)!.cpu).median)
          const slope = logSlope(sizes.map((size, at) => [size, costs[at]!]))
          return [titles[name], ...costs.map(number), slope.toFixed(2)]
        })
      })
    }
    return tables
  }
}
