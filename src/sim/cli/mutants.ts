/**
 * The commands around planted bugs, and the page with what they have measured.
 *
 * @since 0.1.0
 */
import { writeFileSync } from "node:fs"
import { toFile } from "../explore/Finding.ts"
import { mutants } from "../mutants/index.ts"
import type { Mutant } from "../mutants/Mutant.ts"
import { readFinding } from "./files.ts"
import { find, type Hunt, hunt, huntAll, type HuntOptions, replayPlanted, toJson } from "./hunts.ts"

const page = new URL("../../../docs/kill-matrix.md", import.meta.url)

const print = (text: string) => process.stdout.write(`${text}\n`)

const row = ({ cpuSeconds, events, killed, mutant, problem, property, seeds }: Hunt): ReadonlyArray<string> => [
  mutant.id,
  killed ? property! : `ALIVE${problem === undefined ? "" : `: ${problem}`}`,
  cpuSeconds.toFixed(1),
  String(seeds),
  events === undefined ? "" : String(events)
]

/** The value that so large a part of them does not exceed. */
const quantile = (values: ReadonlyArray<number>, part: number): number =>
  values.toSorted((one, other) => one - other)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0

const summary = (hunts: ReadonlyArray<Hunt>): string => {
  const killed = hunts.filter((one) => one.killed)
  const seconds = killed.map((one) => one.cpuSeconds)
  const shown = (key: "events" | "choices" | "shrinkSeconds") => killed.flatMap((one) => one[key] ?? [])
  const events = shown("events")
  return [
    `${killed.length} of ${hunts.length} planted bugs found`,
    `median ${quantile(seconds, 0.5).toFixed(1)} CPU-s`,
    `p95 ${quantile(seconds, 0.95).toFixed(1)} CPU-s`,
    ...(events.length === 0
      ? []
      : [
          `median trace ${quantile(events, 0.5)} packets`,
          `${quantile(shown("choices"), 0.5)} choices that are not dull`,
          `${quantile(shown("shrinkSeconds"), 0.5).toFixed(1)} CPU-s to shrink`
        ])
  ].join(", ")
}

const cell = (text: string): string => text.replaceAll("|", "\\|")

/**
 * The page of what was measured, as Markdown.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toMarkdown = (hunts: ReadonlyArray<Hunt>): string => {
  const line = (cells: ReadonlyArray<string>) => `| ${cells.map(cell).join(" | ")} |`
  const rows = hunts.map((one) => {
    const [id, property, cpu, seeds, events] = row(one)
    const title = one.mutant.note === undefined ? one.mutant.title : `${one.mutant.title}. (${one.mutant.note})`
    return line([`\`${id}\``, title, property!, cpu!, seeds!, events!])
  })
  return [
    "# Kill matrix",
    "",
    "Written by `npm run sim -- --mutants --write`. Each line is a bug that was planted in the sources in a process",
    "of its own (see `src/sim/mutants`), and the first property that noticed. Numbers in front are those of 64 that",
    "were thought of before there was any code; the others came with it. CPU seconds are those of one core and contain",
    "starting the process. Packets are those at job servers in the shrunk run.",
    "",
    `${summary(hunts)}.`,
    "",
    line(["bug", "what", "noticed by", "CPU-s", "seeds", "packets"]),
    "| --- | --- | --- | --: | --: | --: |",
    ...rows,
    ""
  ].join("\n")
}

/** What to do with one bug, besides looking for it. */
interface OneOptions {
  readonly json: boolean
  /** Writes the shrunk run into this file. */
  readonly save?: string | undefined
  /** Runs what is in this file in place of seeds. */
  readonly replays?: string | undefined
}

const wrongUsage = (text: string): number => {
  process.stderr.write(`${text}\n`)
  return 64
}

const replayOne = async (mutant: Mutant, file: string, json: boolean): Promise<number> => {
  const { isUnfit, message, problem, property, trace = [] } = await replayPlanted(mutant, file)
  if (isUnfit === true) return wrongUsage(problem!)
  const killed = message !== undefined
  if (json) print(JSON.stringify({ id: mutant.id, killed, property: property ?? null, problem }))
  else {
    for (const line of trace) print(line)
    print(problem ?? (killed ? `FAILS: ${message}` : `not noticed in ${file}`))
  }
  return killed ? 0 : 1
}

const huntOne = async (
  idOrFile: string,
  options: HuntOptions,
  { json, replays, save }: OneOptions
): Promise<number> => {
  const mutant = find(idOrFile)
  if (mutant instanceof Error) return wrongUsage(mutant.message)
  if (replays !== undefined) {
    const finding = readFinding(replays)
    return finding instanceof Error ? wrongUsage(finding.message) : replayOne(mutant, replays, json)
  }
  const result = await hunt(mutant, options)
  if (result.isUnfit) return wrongUsage(result.problem!)
  if (save !== undefined && result.finding !== undefined) {
    writeFileSync(save, toFile({ bug: mutant.id, ...result.finding }))
  }
  const { cpuSeconds, events, killed, message, problem, property, seeds, trace } = result
  if (json) print(JSON.stringify(toJson(result)))
  else {
    if (mutant.title !== "") print(`${mutant.id}: ${mutant.title}`)
    if (problem !== undefined) print(problem)
    for (const line of trace) print(line)
    const cost = `${cpuSeconds} CPU-s and ${seeds} seeds`
    const shown = events === undefined ? "" : `, shown in ${events} packets`
    print(killed ? `noticed by property ${property}, after ${cost}${shown}` : `not noticed in ${cost}`)
    if (message !== undefined) print(message)
  }
  return killed ? 0 : 1
}

const huntEvery = async (
  options: HuntOptions & { readonly processes: number },
  { json, write }: { readonly json: boolean; readonly write: boolean }
): Promise<number> => {
  const widest = Math.max(...mutants.map(({ id }) => id.length))
  if (!json) print(`${"bug".padEnd(widest)}  CPU-s  seeds  packets  noticed by`)
  const hunts = await huntAll(mutants, options, (one) => {
    if (json) return print(JSON.stringify(toJson(one)))
    const [id, property, cpu, seeds, events] = row(one)
    print(`${id!.padEnd(widest)}  ${cpu!.padStart(5)}  ${seeds!.padStart(5)}  ${events!.padStart(7)}  ${property}`)
  })
  if (!json) print(summary(hunts))
  if (write) writeFileSync(page, toMarkdown(hunts))
  return hunts.every((one) => one.killed) ? 0 : 1
}

/**
 * Hunts one planted bug, by its id or from a file, or all of them. The result is the exit
 * code: 1 when one was not noticed.
 *
 * @since 0.1.0
 * @category commands
 */
export const runMutants = (options: {
  readonly id: string | undefined
  readonly from: number
  /** At most so many for each bug. */
  readonly seeds: number
  readonly cpuSeconds: number
  readonly json: boolean
  readonly processes: number
  readonly save?: string | undefined
  readonly replays?: string | undefined
  /** Whether the page with the matrix is written. */
  readonly write?: boolean | undefined
}): Promise<number> => {
  const { cpuSeconds, from, id, json, processes, replays, save, seeds, write = false } = options
  const common: HuntOptions = { from, seeds, cpuSeconds, shrinks: true }
  return id === undefined
    ? huntEvery({ ...common, processes }, { json, write })
    : huntOne(id, common, { json, replays, save })
}
