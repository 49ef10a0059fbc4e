/**
 * The command `effect-gearman`. The job server and its configuration have a way of their
 * own, which loads little and so starts soon; everything else is Effect's command line.
 */
import { version } from "./version.ts"

const [command, ...rest] = process.argv.slice(2)

const isHelp = rest.some((word) => word === "--help" || word === "-h")

if ((command === "--version" || command === "-V") && rest.length === 0) {
  process.stdout.write(`effect-gearman ${version}\n`)
} else if (command === "server" && !isHelp) {
  const { main } = await import("./server/main.ts")
  await main(rest, { name: "effect-gearman server", version, isStandIn: false })
} else if (command === "config" && (rest[0] === "print" || rest[0] === "check") && !isHelp) {
  const { config } = await import("./server/config.ts")
  await config(rest[0], rest.slice(1))
} else {
  const { main } = await import("./cli/main.ts")
  main(process.argv.slice(2))
}
