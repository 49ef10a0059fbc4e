/**
 * `node bench/failures.ts`: what becomes of jobs when something fails. `--simulated N` runs
 * each trouble in the simulator, `--real N` with processes on loopback; 170 and 9 unless told.
 */
import { parseArgs } from "node:util"
import { runReal } from "./failures/real.ts"
import { simulate } from "./failures/simulated.ts"
import { columns, summarize, troubles } from "./failures/trouble.ts"
import { markdown } from "./support/report.ts"

const { values } = parseArgs({
  options: { simulated: { type: "string", default: "170" }, real: { type: "string", default: "9" } }
})
const simulated = Number(values.simulated)
const real = Number(values.real)

if (simulated > 0) {
  const seeds = Array.from({ length: simulated }, (_, index) => index + 1)
  const rows = troubles.map((trouble) =>
    summarize(
      trouble,
      seeds.map((seed) => simulate(trouble, seed))
    )
  )
  process.stdout.write(`${markdown({ title: "Failures, simulated", columns, rows })}\n`)
}

if (real > 0) {
  const rows = await Promise.all(troubles.map(async (trouble) => summarize(trouble, await runReal(trouble, real))))
  process.stdout.write(markdown({ title: "Failures, with real processes", columns, rows }))
}
