/**
 * Runs every case of the interoperability tests and writes what came of it to
 * `docs/compatibility.md`: `npm run compatibility`. Exit code 1 when a case failed.
 */
import { writeFileSync } from "node:fs"
import { version } from "../../src/runtime/version.ts"
import { deviations as recorded } from "../parity/deviations.ts"
import { leftOut } from "../parity/differential/deviations.ts"
import { transcripts } from "../parity/Transcript.ts"
import { cases, type Case } from "./cases.ts"
import { members, type Member } from "./fleet.ts"
import { peers, versionOf, type PeerName } from "./peers.ts"

type Outcome = "yes" | "**no**" | "not tried"

const outcomes = new Map<Case, Outcome>()

const judge = async (each: Case): Promise<Outcome> => {
  if (each.needs.some((name) => versionOf(name) === undefined)) return "not tried"
  try {
    await each.run()
    return "yes"
  } catch (cause) {
    console.error(`${each.title}: ${cause instanceof Error ? cause.message : cause}`)
    return "**no**"
  }
}

for (const each of cases) {
  const outcome = await judge(each)
  outcomes.set(each, outcome)
  console.log(`${outcome.padEnd(10)}${each.client ?? each.worker ?? ""} ${each.title}`)
}

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n")

const title = (member: Member): string => (member === "ours" ? "effect-gearman" : peers[member].title)

const outcomeOf = (group: Case["group"], client: Member, worker: Member): string => {
  const found = cases.find((each) => each.group === group && each.client === client && each.worker === worker)
  return found === undefined ? "" : outcomes.get(found)!
}

const grid = (group: Case["group"]): string =>
  table(
    ["client ↓, worker →", ...members.map(title)],
    members.map((client) => [title(client), ...members.map((worker) => outcomeOf(group, client, worker))])
  )

const list = (group: Case["group"], who: (each: Case) => string): string =>
  table(
    ["who", "what", "holds"],
    cases.filter((each) => each.group === group).map((each) => [who(each), each.title, outcomes.get(each)!])
  )

const memberTitle = (each: Case): string => title(each.client ?? each.worker!)

const kept = transcripts.filter((transcript) => !(transcript.id in recorded))

const text = `# Compatibility

Written by \`npm run compatibility\` on ${new Date().toISOString().slice(0, 10)}, with effect-gearman ${version} on Node ${process.versions.node} and:

${table(
  ["program", "version"],
  (Object.keys(peers) as ReadonlyArray<PeerName>).map((name) => [peers[name].title, versionOf(name) ?? "not installed"])
)}

## Every client with every worker, through our job server

Each pair carries 105 kB of all byte values both ways, a failure, and, where both can, data, warnings, progress, exceptions, and the results \`0\` and empty. The \`gearman\` tool does the first two.

${grid("pair")}

## Our client and worker with gearmand as the job server

The same, without what gearmand itself does not do right: an exception for a client that did not ask for it, and Perl's worker with exceptions and with the results \`0\` and empty.

${grid("pair on gearmand")}

## Clients

${list("client", memberTitle)}

## Workers

${list("worker", memberTitle)}

## Administration

${list("administrator", (each) => each.needs.map((name) => peers[name].title).join(", "))}

## Beyond gearmand, and off by default

- \`show functions\` is a text command of our own: a line per function with what it waits for, which \`doctor\` and \`top\` ask for. gearmand answers it with an error, and both then do with less.
- The text command \`cancel job\` is refused unless the server was started with \`--allow-cancel\`, and \`shutdown\` unless with \`--allow-shutdown\`. \`bin/gearmand\` cancels, as gearmand does; \`shutdown\`, which gearmand 1.1.20 has lost, is off there too.
- The default listener is loopback, also of \`bin/gearmand\`, where gearmand listens on every address: \`--listen='*'\` does that. \`bin/gearmand\` warns of it.
- Rules (\`--allow\`), further listeners (\`--listener\`) and limits that gearmand has not refuse by an ERROR packet or an \`ERR\` line; without these flags nobody is refused who would not be by gearmand, but for what [operations](operations.md#limits) lists.

## Byte for byte

Of ${transcripts.length} exchanges recorded with gearmand, our server answers ${kept.length} byte for byte. On purpose it answers the others otherwise:

${Object.entries(recorded)
  .map(([id, { why }]) => `- ${id}: ${why}.`)
  .join("\n")}

Random sequences of commands over several connections (\`npm run differential\`) are answered alike by our server and gearmand, but for these differences:

${leftOut.map(({ name }) => `- ${name}`).join("\n")}
- an exception that nobody asked for becomes WORK_FAIL with the bare handle
- a connection that sleeps and submits reads JOB_CREATED before the NOOP that its job causes
- \`show jobs\` flags neither dead jobs nor background jobs that joined foreground ones as gearmand does
`

writeFileSync(new URL("../../docs/compatibility.md", import.meta.url), text)
process.exit([...outcomes.values()].includes("**no**") ? 1 : 0)
