/**
 * `npm run sim`: simulations from the shell. What it can do, `--help` says.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- what it does has to be done before the others are loaded
import "./cli/lean.ts"
import { writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { campaigns } from "./cli/campaigns.ts"
import { runCanaries } from "./cli/canaries.ts"
import { showDay, showThroughput } from "./cli/figures.ts"
import { readFinding, whyNotSaved } from "./cli/files.ts"
import { runMutants } from "./cli/mutants.ts"
import { comparePairs } from "./cli/pairs.ts"
import { exitCodeOf, print, showFailure, showSuccess, toJson } from "./cli/show.ts"
import { showSize } from "./cli/size.ts"
import { checkSeed } from "./explore/check.ts"
import { choiceCount, fromOutcome, replay, toFile } from "./explore/Finding.ts"
import { shrink } from "./explore/shrink.ts"
import { packetCount, trace as linesOf } from "./explore/trace.ts"
import type { Outcome } from "./scenario/run.ts"

const help = `Usage: npm run sim -- [options]

  --seed N        run the scenario of one seed, twice, and show what happened
  --seeds N       run N seeds, each twice, from --from on
  --seconds N     run as many seeds as fit, on all cores; says which situations were never met
  --replay FILE   run what a failure was saved as, and show it
  --mutant ID     plant one bug and hunt it: its id, or a JSON file with such an entry;
                  with --replay, run that file with the bug planted
  --mutants       plant every bug, one after the other, and print which property found it
  --canaries      plant one bug for each family of properties; each family must notice its own

  --figures       how many runs, steps and decisions fit into a CPU second (--limit N of them)
  --day           24 simulated hours of 8 machines; --hours N for fewer
  --size          how many lines of code the kernel and the properties have
  --pairs N       compare runs of N seeds in two processes and time zones, watched in one of
                  them only; --seconds N ends it sooner, --node FILE is the other one's Node

  --from N        the first seed (default 1)
  --once          run each seed only once
  --trace         show every event of the run
  --save FILE     with --seed and --mutant: write the failing run, shrunk, for --replay
  --limit N       with --mutant, --mutants, --canaries: CPU seconds for each bug (default 30)
  --write         with --mutants: write the matrix to docs/kill-matrix.md; with --figures,
                  --day, --size, --pairs and --seconds: write what was measured to docs/simulation.md
  --json          one JSON object a line
  --help          this text

Exit codes: 0 all holds, 1 a safety property does not hold (or a planted bug was not
found), 2 a liveness property does not hold, 3 two runs of one seed differ or something
leaked in, 64 wrong usage.
`

const wrongUsage = (text: string): number => {
  process.stderr.write(`${text}\n\n${help}`)
  return 64
}

const readArguments = () =>
  parseArgs({
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      seconds: { type: "string" },
      replay: { type: "string" },
      mutant: { type: "string" },
      mutants: { type: "boolean", default: false },
      canaries: { type: "boolean", default: false },
      figures: { type: "boolean", default: false },
      day: { type: "boolean", default: false },
      size: { type: "boolean", default: false },
      hours: { type: "string", default: "24" },
      pairs: { type: "string" },
      node: { type: "string" },
      from: { type: "string", default: "1" },
      once: { type: "boolean", default: false },
      trace: { type: "boolean", default: false },
      save: { type: "string" },
      limit: { type: "string", default: "30" },
      write: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false }
    }
  }).values

type Arguments = ReturnType<typeof readArguments>

/** Tells how a run went, and gives the exit code. */
const show = (outcome: Outcome, name: string, again: string, { json, trace }: Arguments): number => {
  const { failure, moments } = outcome
  if (json) print(JSON.stringify(toJson(outcome)))
  else if (failure === undefined) {
    if (trace) for (const line of linesOf(moments, { everything: true })) print(line)
    showSuccess(outcome, name)
  } else showFailure(outcome, again, { everything: trace })
  return exitCodeOf(failure)
}

const runSeed = (seed: number, values: Arguments): number => {
  const { save } = values
  const outcome = checkSeed(seed, 2, { keepHistory: true })
  if (outcome.failure === undefined || save === undefined) {
    return show(outcome, `seed ${seed}`, `npm run sim -- --seed ${seed}`, values)
  }
  const small = shrink(fromOutcome(outcome))
  writeFileSync(save, toFile(small))
  const shrunk = replay(small, { keepHistory: true })
  const code = show(shrunk, save, `npm run sim -- --replay ${save}`, values)
  if (!values.json) print(`${packetCount(shrunk.moments)} packets, ${choiceCount(small.choices)} choices not dull`)
  return code
}

const runFile = (path: string, values: Arguments): number => {
  const finding = readFinding(path)
  if (finding instanceof Error) {
    process.stderr.write(`${finding.message}\n`)
    return 64
  }
  const outcome = replay(finding, { keepHistory: true })
  return show(outcome, path, `npm run sim -- --replay ${path}`, values)
}

// JSON, which tells the processes, has no infinity.
const unlimited = Number.MAX_SAFE_INTEGER

const counts = new Set<string>(["seeds", "seconds", "limit", "pairs", "hours"])

const wholeNumber = (text: string): number | undefined => {
  const value = Number(text)
  return text.trim() !== "" && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

const main = async (): Promise<number> => {
  let values: Arguments
  try {
    values = readArguments()
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error))
  }
  if (values.help) {
    print(help)
    return 0
  }
  const numbers: { [name: string]: number } = {}
  for (const name of ["seed", "seeds", "seconds", "from", "limit", "pairs", "hours"] as const) {
    const text = values[name]
    if (text === undefined) continue
    const number = wholeNumber(text)
    if (number === undefined) return wrongUsage(`--${name} takes a whole number, not "${text}"`)
    // Nothing that was run is nothing that holds.
    if (number === 0 && counts.has(name)) return wrongUsage(`--${name} takes a number from 1 on`)
    numbers[name] = number
  }
  const { from = 1, hours = 24, limit = 30, pairs, seconds, seed, seeds } = numbers
  const unsaved = values.save === undefined ? undefined : whyNotSaved(values.save)
  if (unsaved !== undefined) return wrongUsage(unsaved)
  const times = values.once ? 1 : 2
  const { json, write } = values
  if (seed !== undefined) return runSeed(seed, values)
  if (values.canaries) return runCanaries({ cpuSeconds: limit, json, processes: availableParallelism() })
  if (values.mutants || values.mutant !== undefined) {
    return runMutants({
      id: values.mutant,
      from,
      cpuSeconds: limit,
      json,
      write,
      processes: availableParallelism(),
      replays: values.replay,
      save: values.save
    })
  }
  if (values.replay !== undefined) return runFile(values.replay, values)
  if (values.figures) return showThroughput({ from, cpuSeconds: limit, json, write })
  if (values.size) return showSize({ json, write })
  if (values.day) return showDay(hours, { json, write })
  if (pairs !== undefined)
    return comparePairs({ from, pairs, seconds: seconds ?? unlimited, node: values.node, json, write })
  const common = { from, times, json, write } as const
  if (seeds !== undefined) {
    return campaigns({
      ...common,
      seeds,
      seconds: unlimited,
      processes: seeds < 100 ? 1 : availableParallelism(),
      needsMarks: false
    })
  }
  if (seconds !== undefined) {
    return campaigns({ ...common, seeds: unlimited, seconds, processes: availableParallelism(), needsMarks: true })
  }
  return wrongUsage("say what to run")
}

process.exitCode = await main()
