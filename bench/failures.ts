/**
 * `node bench/failures.ts`: what becomes of jobs when something fails, over many runs in
 * the simulator (`--simulated N` of each trouble, 170 unless told).
 */
import { parseArgs } from "node:util"
import { simulate } from "./failures/simulated.ts"
import { columns, summarize, troubles } from "./failures/trouble.ts"
import { markdown } from "./support/report.ts"

const { values } = parseArgs({ options: { simulated: { type: "string", default: "170" } } })
const seeds = Array.from({ length: Number(values.simulated) }, (_, index) => index + 1)

const rows = troubles.map((trouble) => {
  const runs = seeds.map((seed) => simulate(trouble, seed))
  return summarize(trouble, runs)
})
process.stdout.write(markdown({ title: "Failures, simulated", columns, rows }))
