/**
 * `npm run soak`: hours of a job server's life in miniature, and whether everything adds
 * up. Clients of every kind come and go, workers are killed and frozen, strangers send
 * rubbish; meanwhile memory, descriptors and queues are watched. At the end the queues
 * must be empty, every job accounted for, and no descriptor left. A command that prints
 * figures; the exit code is 1 when something does not add up.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { deployedEnvironment, freePort, start } from "./support/servers.ts"
import { markdown } from "./support/report.ts"
import { Ledger } from "./soak/Ledger.ts"
import { Live } from "./soak/Live.ts"
import { findings, page, tablesOf } from "./soak/report.ts"
import { look, type Sample } from "./soak/samples.ts"
import { stranger, visit } from "./soak/visits.ts"
import { Workers } from "./soak/Workers.ts"

const usage = `npm run soak -- [options]

Options:
  --minutes N     how long clients come and go (30)
  --visitors N    how many of them are there at a time (4)
  --workers N     worker processes, of 16 slots each (3)
  --visits N      go on, also after that time, until so many clients and strangers have come and gone (0)
  --json          the samples and the accounts, as JSON
  --write         put the tables into docs/soak.md too
`

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    visitors: { type: "string", default: "4" },
    workers: { type: "string", default: "3" },
    visits: { type: "string", default: "0" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})
const minutes = Number(values.minutes)
const leastVisits = Number(values.visits)
if (values.help || !(minutes > 0 && leastVisits >= 0)) {
  process.stdout.write(usage)
  process.exit(values.help ? 0 : 2)
}

const say = (text: string) => process.stderr.write(`${text}\n`)

const httpPort = await freePort()
const live = new Live(minutes)
const server = await start(
  "ours",
  [
    `--http-listen=127.0.0.1:${httpPort}`,
    // Strangers who say nothing are to be cut while somebody looks.
    "--handshake-timeout=2"
  ],
  live.environment(deployedEnvironment())
)
const address = `127.0.0.1:${server.port}`
const beganMillis = performance.now()
const endMillis = beganMillis + minutes * 60_000
const isOver = () => performance.now() >= endMillis && Math.min(counts.visits, counts.strangers) >= leastVisits
const ledger = new Ledger()
const workers = new Workers(address, (id) => ledger.noted(id))
const samples: Array<Sample> = []
const counts = { visits: 0, strangers: 0 }
/** The job port answers before the other one does. */
const first = async (patience: number): Promise<Sample> => {
  try {
    return await look(server, httpPort, beganMillis)
  } catch (error) {
    if (patience === 0) throw error
    await sleep(100)
    return first(patience - 1)
  }
}
const before = await first(300)
for (let count = Number(values.workers); count > 0; count--) workers.start()

/** Does something again and again until the time is over. */
const repeatedly = async (pauseMillis: () => number, act: () => Promise<unknown>): Promise<void> => {
  while (!isOver()) {
    await act()
    await sleep(pauseMillis())
  }
}

const watch = async () => {
  // Twenty stretches of at least twelve looks, however short the soak is.
  const everyMillis = Math.min(5_000, (minutes * 60_000) / 240)
  await repeatedly(
    () => everyMillis,
    async () => {
      samples.push(await look(server, httpPort, beganMillis))
      await live.look(server.pid, samples.at(-1)!.minute)
      if (samples.length % 60 === 0) {
        const { minute, residentBytes } = samples.at(-1)!
        say(`${minute.toFixed(1)} min: ${counts.visits} visits, ${Math.round(residentBytes / 2 ** 20)} MiB`)
      }
    }
  )
}

const visitors = Array.from({ length: Number(values.visitors) }, () =>
  repeatedly(
    () => Math.random() * 200,
    async () => {
      await visit(address, ledger)
      counts.visits++
    }
  )
)
const strangers = Array.from({ length: 12 }, () =>
  repeatedly(
    () => Math.random() * 500,
    async () => {
      await stranger(server.port)
      counts.strangers++
    }
  )
)
const troubles = repeatedly(
  () => Math.min(20_000, minutes * 6_000) * Math.random(),
  () => workers.trouble()
)
await Promise.all([watch(), troubles, ...visitors, ...strangers])

// What is under way gets time to end; then there must be nothing.
const deadline = performance.now() + 60_000
let after = await look(server, httpPort, beganMillis)
const isSettled = () => ledger.open === 0 && after.waiting === 0 && after.running === 0
while (!isSettled() && performance.now() < deadline) {
  await sleep(200)
  after = await look(server, httpPort, beganMillis)
}
ledger.closeAll()
await workers.stop()
const closing = performance.now() + 15_000
while (after.descriptors > before.descriptors && performance.now() < closing) {
  await sleep(200)
  after = await look(server, httpPort, beganMillis)
}
await server.stop()

const soak = { minutes, ledger, samples, live: live.samples, before, after, counts, killed: workers.killed }
const wrong = findings(soak)
if (values.json)
  process.stdout.write(
    `${JSON.stringify({ samples, live: live.samples, before, after, counts, wrong }, undefined, 2)}\n`
  )
else process.stdout.write(`${tablesOf(soak).map(markdown).join("\n")}\n`)
if (values.write) writeFileSync(join(import.meta.dirname, "../docs/soak.md"), page(soak))
for (const finding of wrong) say(`! ${finding}`)
process.exit(wrong.length === 0 ? 0 : 1)
