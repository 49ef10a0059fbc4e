/**
 * `npm run bench`: figures beside gearmand's, measured in turn on the same machine, so
 * that ratios mean something where absolute numbers do not. Not a test.
 */
import { availableParallelism, cpus, loadavg } from "node:os"
import { parseArgs } from "node:util"
import { attacks } from "./sections/attacks.ts"
import { clients } from "./sections/clients.ts"
import { floor } from "./sections/floor.ts"
import { grid } from "./sections/grid.ts"
import { growth } from "./sections/growth.ts"
import { latency } from "./sections/latency.ts"
import { memory } from "./sections/memory.ts"
import { micro } from "./sections/micro.ts"
import { operations } from "./sections/operations.ts"
import { compile, run } from "./support/load.ts"
import { type Figures, write } from "./support/page.ts"
import { markdown } from "./support/report.ts"
import type { Measurement, Section } from "./support/Section.ts"
import { gearmandVersion, type ServerName, start, titles } from "./support/servers.ts"

const sections: ReadonlyArray<Section> = [grid, latency, growth, operations, memory, floor, micro, attacks, clients]

const usage = `npm run bench -- [section ...] [options]

Sections; without any, all of them:
${sections.map(({ name, what }) => `  ${name.padEnd(11)}${what}`).join("\n")}

Options:
  --rounds N      how often each cell is measured against each server (3)
  --seconds N     how long each time, after half a second to warm up (1.5)
  --quick         one short round, small counts: to see that it works
  --match TEXT    only the attacks whose names contain it
  --alone         attacks on our server only
  --json          every measurement, as JSON
  --write         put the tables into docs/performance.md too
`

const read = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "1.5" },
      quick: { type: "boolean", default: false },
      match: { type: "string", default: "" },
      alone: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false }
    }
  })

/** What was asked for, and ends with 2 where that makes no sense. */
const asked = ((): ReturnType<typeof read> => {
  try {
    const found = read()
    for (const name of ["rounds", "seconds"] as const) {
      if (!(Number(found.values[name]) > 0))
        throw new Error(`--${name} takes a number above 0, not "${found.values[name]}"`)
    }
    if (found.values.quick && found.values.write)
      throw new Error("--quick is to see that it works; what it finds is not for the page, so leave out --write")
    const unknown = found.positionals.find((name) => !sections.some((section) => section.name === name))
    if (unknown !== undefined) throw new Error(`there is no section ${unknown}`)
    return found
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n--help tells what there is\n`)
    return process.exit(2)
  }
})()
const { positionals, values } = asked

const wanted = sections.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}

const version = gearmandVersion()
const names: ReadonlyArray<ServerName> = version === undefined ? ["ours"] : ["ours", "gearmand", "gearmand-single"]
const say = (text: string) => process.stderr.write(`${text}\n`)
if (version === undefined) {
  say("gearmand is not installed (Debian: gearman-job-server), so there is nothing to compare with.")
}

// Above 1, others want the machine too, and figures wander.
const loadBefore = loadavg()[0]!.toFixed(1)
const hasLoad = wanted.every(({ needsNoLoad }) => needsNoLoad === true) || compile()
const chosen = hasLoad ? wanted : wanted.filter(({ needsNoLoad }) => needsNoLoad === true)
if (!hasLoad) {
  const left = wanted.filter((section) => !chosen.includes(section)).map(({ name }) => name)
  say(`left out: ${left.join(", ")}. The load generator needs Linux and a C compiler, as cc (Debian: gcc).`)
  if (chosen.length === 0) process.exit(1)
}
const servers = chosen.every(({ isAlone }) => isAlone === true)
  ? []
  : await Promise.all(names.map((name) => start(name)))
for (const server of servers) {
  await run(server, { mode: "foreground", outstanding: 100, seconds: values.quick ? 0.2 : 3 })
}

const measurements = new Array<Measurement>()
const figures = new Array<Omit<Figures, "circumstances">>()
for (const section of chosen) {
  const tables = await section.measure({
    servers,
    rounds: values.quick ? 1 : Number(values.rounds),
    seconds: values.quick ? 0.3 : Number(values.seconds),
    scale: values.quick ? 0.01 : 1,
    match: values.match,
    isAlone: values.alone,
    record: (measurement) => measurements.push(measurement),
    progress: (done) => say(`${section.name}: ${done}`)
  })
  figures.push({ section: section.name, tables })
}
await Promise.all(servers.map((server) => server.stop()))

const machine = [
  cpus()[0]!.model,
  `${availableParallelism()} cores`,
  `load average ${loadBefore} before`,
  `Node ${process.version}`,
  `gearmand ${version ?? "absent"}`
].join(", ")
if (values.json) {
  process.stdout.write(`${JSON.stringify({ machine, date: new Date().toISOString(), measurements }, undefined, 2)}\n`)
} else {
  process.stdout.write(`${machine}\n\n${figures.flatMap(({ tables }) => tables.map(markdown)).join("\n")}`)
}

const introduction = `# Performance

What \`npm run bench -- --write\` found. Absolute numbers depend on the machine and on what
else it does; each ratio comes from runs in turn, so what disturbed one disturbed the other.

## Method

- ${names.map((name) => titles[name]).join(", ")}: each a process of its own, on loopback, warm. The load
  generator (\`bench/load/load.c\`) is clients and workers in one thread on epoll. It submits, grabs with
  GRAB_JOB_UNIQ, answers with the payload it was given, and writes once per connection and turn of its loop.
- Outstanding jobs are spread over as many clients, ten at most, and as many workers. A job that ends is
  replaced by the next at once.
- CPU is the server process's, user and system, from \`/proc/<pid>/stat\`, over the window in which jobs
  are counted, after half a second to warm up. The generator shares the machine's cores.
- A cell is measured several times against each server in turn. Tables show medians; a ratio is ours to
  theirs, round by round: its median, and in brackets the lowest and the highest.

## Figures
`

if (values.write) {
  const measuredOn = (isOnce = false) =>
    `Measured on ${machine}; ${isOnce ? "once, each load for" : `${values.rounds} rounds of`} ${values.seconds} s.`
  write(
    introduction,
    sections.map(({ name }) => name),
    figures.map(({ section, tables }) => {
      const { isOnce, method } = sections.find(({ name }) => name === section)!
      return { section, tables, circumstances: `${method === undefined ? "" : `${method} `}${measuredOn(isOnce)}` }
    })
  )
}
