/**
 * The differential test as a command: `npm run differential -- [--sequences 2000]
 * [--seed N] [--path P] [--against gearmand]`. Random sequences run against our server
 * and Debian's gearmand; the first that differs is shrunk and printed, with the seed and
 * the path that repeat it. Exit code 0 when nothing differs.
 */
import { parseArgs } from "node:util"
import { check } from "./differential/check.ts"
import { gearmand } from "./gearmand.ts"
import { ours } from "./ours.ts"

const { values } = parseArgs({
  options: {
    sequences: { type: "string", default: "2000" },
    seed: { type: "string" },
    path: { type: "string" },
    /** `gearmand` compares gearmand with itself, which proves the test. */
    against: { type: "string", default: "ours" }
  }
})

const started = performance.now()
const statistics = await check(gearmand, values.against === "gearmand" ? gearmand : ours, {
  sequences: Number(values.sequences),
  ...(values.seed === undefined ? {} : { seed: Number(values.seed) }),
  ...(values.path === undefined ? {} : { path: values.path })
}).catch((cause: Error) => cause)

if (statistics instanceof Error) {
  console.error(statistics.message)
  process.exitCode = 1
} else {
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${statistics.sequences} sequences, ${statistics.steps} commands, no difference, ${seconds} s`)
  console.log("answers compared:")
  for (const [name, count] of [...statistics.answers].sort()) console.log(`  ${count} ${name}`)
  console.log("commands left out, by deviation:")
  for (const [name, count] of [...statistics.leftOut].sort()) console.log(`  ${count} ${name}`)
}
