/**
 * The command `effect-gearman`. The job server has a way of its own, which loads little
 * and so starts soon; everything else is Effect's command line.
 */
import { version } from "./version.ts"

const [command, ...rest] = process.argv.slice(2)

if (command === "--version" && rest.length === 0) {
  process.stdout.write(`effect-gearman ${version}\n`)
} else if (command === "server" && !rest.some((word) => word === "--help" || word === "-h")) {
  const { main } = await import("./server/main.ts")
  await main(rest, { name: "effect-gearman server", version, isStandIn: false })
} else {
  const { main } = await import("./cli/main.ts")
  main(process.argv.slice(2))
}
