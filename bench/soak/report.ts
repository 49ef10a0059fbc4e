/**
 * A soak's tables, and what in it does not add up.
 */
import { availableParallelism, cpus } from "node:os"
import { markdown, type Table } from "../support/report.ts"
import { kinds, type Ledger } from "./Ledger.ts"
import type { LiveSample } from "./Live.ts"
import { type Sample, type Slope, slopeOf } from "./samples.ts"
import type { Workers } from "./Workers.ts"

export interface Soak {
  readonly minutes: number
  readonly ledger: Ledger
  readonly samples: ReadonlyArray<Sample>
  /** What of the heap was alive, at ten times. */
  readonly live: ReadonlyArray<LiveSample>
  /** Before anybody came, and after everybody had left. */
  readonly before: Sample
  readonly after: Sample
  readonly counts: { readonly visits: number; readonly strangers: number }
  readonly killed: Workers["killed"]
}

/**
 * The first half warms up: caches fill, and each page that the young generation and the
 * allocator may use has been used once after about a quarter of an hour.
 */
const warmOf = (soak: Soak) => soak.samples.filter(({ minute }) => minute >= soak.minutes / 2)

const number = (value: number): string => value.toLocaleString("en-US")

const mebi = (bytes: number) => bytes / 2 ** 20

const showSlope = (slope: Slope | undefined, unit: (value: number) => number) =>
  slope === undefined ? "too short to tell" : `${unit(slope.perHour).toFixed(2)} ± ${unit(slope.plusMinus).toFixed(2)}`

const accounts = ({ ledger }: Soak): Table => ({
  title: "Every job, as its submitter or its worker saw it end",
  columns: ["", "submitted", ...ledger.endings],
  rows: kinds.map((kind) => [
    kind,
    number(ledger.submitted(kind)),
    ...ledger.endings.map((ending) => number(ledger.ended(kind, ending)))
  ])
})

const watched = (soak: Soak): Table => {
  const warm = warmOf(soak)
  const row = (name: string, of: (sample: Sample) => number, unit: (value: number) => number = (value) => value) => {
    const show = (value: number) => number(Math.round(unit(value) * 10) / 10)
    const values = warm.map(of)
    return [
      name,
      show(of(soak.before)),
      show(Math.min(...values)),
      show(Math.max(...values)),
      show(of(soak.after)),
      showSlope(slopeOf(warm, of), unit)
    ]
  }
  return {
    title: "The server, after the first half of the time, which warms it up",
    columns: ["", "before", "lowest", "highest", "when all had left", "slope per hour, with its 95 % interval"],
    rows: [
      row("resident memory, MiB", (sample) => sample.residentBytes, mebi),
      row("heap in use, MiB", (sample) => sample.heapBytes, mebi),
      row("heap reserved, MiB", (sample) => sample.reservedHeapBytes, mebi),
      row("outside the heap, MiB", (sample) => sample.externalBytes, mebi),
      row("file descriptors", (sample) => sample.descriptors),
      row("sockets in CLOSE_WAIT", (sample) => sample.closeWait),
      row("connections", (sample) => sample.connections),
      row("jobs waiting", (sample) => sample.waiting),
      row("jobs running", (sample) => sample.running)
    ]
  }
}

const happened = ({ after, counts, killed, ledger }: Soak): Table => ({
  title: "What happened",
  columns: ["", "count"],
  rows: [
    ["clients that came and went", number(counts.visits)],
    ["strangers that came and went", number(counts.strangers)],
    ["workers killed", number(killed.SIGKILL)],
    ["workers asked to leave", number(killed.SIGTERM)],
    ["workers frozen for two seconds", number(killed.SIGSTOP)],
    ["jobs the server made", number(after.submitted)],
    ["jobs the server saw end", number(after.ended)],
    ["attempts lost with their worker, and made again", number(after.requeued)],
    ["background jobs done a second time, since their worker died before it could say so", number(ledger.repeated)]
  ]
})

/** Resident memory beside what is alive in the heap: where only the first grows, no objects are kept that nobody needs. */
const alive = ({ live, samples }: Soak): Table => ({
  title: "What is alive in the heap after everything else was collected, ten times",
  columns: ["minute", "alive, MiB", "resident, MiB"],
  rows: live.map(({ bytes, minute }) => [
    minute.toFixed(1),
    mebi(bytes).toFixed(2),
    mebi(samples.findLast((sample) => sample.minute <= minute)!.residentBytes).toFixed(1)
  ])
})

export const tablesOf = (soak: Soak): ReadonlyArray<Table> => [
  happened(soak),
  accounts(soak),
  watched(soak),
  alive(soak)
]

/** A server that grows by more than this, beyond doubt, leaks. */
const maxBytesPerHour = 2 ** 20

/** Everything that should not be; empty when all is well. */
export const findings = (soak: Soak): ReadonlyArray<string> => {
  const { after, before, ledger } = soak
  const found: Array<string> = []
  if (ledger.open !== 0) found.push(`${ledger.open} jobs are not accounted for`)
  for (const [problem, count] of ledger.problems) found.push(`${count} jobs lost: ${problem}`)
  for (const kind of kinds) {
    const wrong = ledger.ended(kind, "wrong result")
    if (wrong > 0) found.push(`${wrong} ${kind} jobs got the result of another`)
  }
  if (after.submitted !== after.ended) {
    found.push(`the server made ${after.submitted} jobs and saw ${after.ended} end`)
  }
  if (after.waiting + after.running > 0) found.push(`${after.waiting} jobs wait and ${after.running} run in the end`)
  if (after.closeWait > 0) found.push(`${after.closeWait} sockets stay in CLOSE_WAIT`)
  if (after.descriptors > before.descriptors) {
    found.push(`${after.descriptors} descriptors are open in the end, ${before.descriptors} were in the beginning`)
  }
  const slope = slopeOf(warmOf(soak), (sample) => sample.residentBytes)
  // A minute's slope says nothing about an hour.
  if (slope !== undefined && soak.minutes >= 20 && slope.perHour - slope.plusMinus > maxBytesPerHour) {
    found.push(`memory grows by ${showSlope(slope, mebi)} MiB an hour`)
  }
  return found
}

/** docs/soak.md. */
export const page = (soak: Soak): string => `# Soak

What \`npm run soak -- --minutes ${soak.minutes} --write\` found: one job server, in the environment that the unit in
\`deploy/\` sets, and for ${soak.minutes} minutes clients that come and
go with foreground, merged, background and delayed jobs of 12 B to 256 KiB, a tenth of which leave before they have
their answers; workers that are killed, frozen and asked to leave; and strangers who say nothing, half of something,
or rubbish. Measured on ${cpus()[0]!.model}, ${availableParallelism()} cores shared with other work, Node ${process.version}.

The accounts add up when each submitted job is in exactly one column. "Given up" are jobs of clients that left; a
background job is done when its worker has noted it, and one that the server had accepted and no worker ever noted
would be lost. A slope is of the line through the lowest values of twenty stretches of time.

${tablesOf(soak).map(markdown).join("\n")}
${
  findings(soak)
    .map((finding) => `**${finding}**`)
    .join("\n\n") || "Everything adds up."
}

What is alive in the heap tells whether the server keeps objects that it no longer needs; what grows by less than the
values above differ among themselves, so short a run does not show. Resident memory grew beyond it. Pages that V8's young
generation and the allocator's arena use for the first time would explain that; it was not traced to them, and the run
does not show where it would end. Watch
\`process_resident_memory_bytes\`, and give the unit a \`MemoryMax\` well above the highest value here.
`
