/**
 * Fuzzing as a command: `npm run fuzz -- [--packets 10000000] [--seed N] [--seconds N]`.
 * Without `--seconds`, packets go through the codec and the state machine in-process;
 * with it, through sockets to a server process for that long.
 */
import { parseArgs } from "node:util"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { fuzzCore } from "./fuzz/core.ts"
import { fuzzProcess } from "./fuzz/process.ts"
import { oursAsProcess } from "./ours.ts"

const { values } = parseArgs({
  options: {
    packets: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 0x7fffffff) },
    seconds: { type: "string" }
  }
})
const seed = Number(values.seed)
const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`

console.log(`seed ${seed}`)
if (values.seconds === undefined) {
  setFlagsFromString("--expose-gc")
  const collectGarbage: () => void = runInNewContext("gc")
  const report = fuzzCore(Number(values.packets), seed, collectGarbage)
  console.log(
    `${report.packets} packets on ${report.connections} connections in ${report.seconds.toFixed(1)} s, ` +
      `${Math.round(report.packets / report.seconds)} packets/s`
  )
  console.log(`live heap after each quarter: ${report.heapBytes.map(mebibytes).join(", ")}`)
} else {
  const report = await fuzzProcess(oursAsProcess, Number(values.seconds), seed)
  console.log(
    `${report.packets} packets, ${mebibytes(report.bytes)}, on ${report.connections} connections; ` +
      `slowest answer to a healthy connection ${report.slowestEchoMillis.toFixed(0)} ms`
  )
  console.log(`resident memory each second: ${report.residentBytes.map(mebibytes).join(", ")}`)
}
