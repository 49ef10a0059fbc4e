/**
 * `npm run sim`: simulations from the shell. What it can do, `--help` says.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- what it does has to be done before the others are loaded
import "./cli/lean.ts"
import { availableParallelism } from "node:os"
import { type Arguments, readArguments } from "./cli/arguments.ts"
import { campaigns } from "./cli/campaigns.ts"
import { runCanaries } from "./cli/canaries.ts"
import { showDay, showThroughput } from "./cli/figures.ts"
import { readFinding, whyNotSaved } from "./cli/files.ts"
import { runMutants } from "./cli/mutants.ts"
import { comparePairs } from "./cli/pairs.ts"
import { exitCodeOf, print, showFailure, showSuccess, toJson } from "./cli/show.ts"
import { saveSmall, showSmall } from "./cli/showSmall.ts"
import { showSize } from "./cli/size.ts"
import { checkSeed } from "./explore/check.ts"
import { replay } from "./explore/Finding.ts"
import { trace as linesOf } from "./explore/trace.ts"
import type { Outcome } from "./scenario/run.ts"

const help = `Usage: npm run sim -- [options]

  --seed N        run the scenario of one seed, twice, and show what happened
  --seeds N       run N seeds, each twice, from --from on
  --seconds N     run as many seeds as fit, on all cores; says which situations were never met
  --replay FILE   run what a failure was saved as, and show it
  --mutant ID     plant one bug and hunt it: its id, or a JSON file with such an entry, as in
                  { "file": "src/…", "find": "text that is there once", "replace": "text" };
                  with --replay FILE or --seed N, run that with the bug planted
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
  --save FILE     with --seed, --seeds, --seconds and --mutant: write the failing run, shrunk, for
                  --replay (what fails is shrunk in any case, and written to a temporary folder)
  --limit N       with --mutant, --mutants, --canaries: CPU seconds for each bug (default 30);
                  --mutant and --mutants end after --seeds N, too
  --write         with --mutants: write the matrix to docs/kill-matrix.md; with --figures,
                  --day, --size, --pairs and --seconds: write what was measured to docs/simulation.md
  --json          one JSON object a line
  --help          this text

Exit codes: 0 all holds, 1 a safety property does not hold (or a planted bug was not
found), 2 a liveness property does not hold, 3 two runs of one seed differ or something
leaked in, 64 wrong usage.
`

const wrongUsage = (text: string): number => {
  process.stderr.write(`${text}\n--help tells what there is\n`)
  return 64
}

/** Tells how a run went, and gives the exit code. */
const show = (outcome: Outcome, name: string, again: string, { json = false, trace = false }: Arguments): number => {
  const { failure, moments } = outcome
  if (json) print(JSON.stringify(toJson(outcome)))
  else if (failure === undefined) {
    if (trace) for (const line of linesOf(moments, { everything: true })) print(line)
    showSuccess(outcome, name)
  } else showFailure(outcome, again, { everything: trace })
  return exitCodeOf(failure)
}

const runSeed = (seed: number, values: Arguments): number => {
  const { json = false, once, save, trace = false } = values
  const outcome = checkSeed(seed, once === true ? 1 : 2, { keepHistory: true })
  const again = `npm run sim -- --seed ${seed}`
  // Whoever wants to see everything, or reads it by program, gets the run as it was.
  const isShown = outcome.failure === undefined || (save === undefined && (json || trace))
  if (isShown) return show(outcome, `seed ${seed}`, again, values)
  if (!json) return exitCodeOf(showSmall(outcome, `${again} --trace`, save).failure)
  return show(replay(saveSmall(outcome, save!)), save!, again, values)
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

const main = async (): Promise<number> => {
  const values = readArguments(process.argv.slice(2))
  if (values instanceof Error) return wrongUsage(values.message)
  if (values.help === true) {
    print(help)
    return 0
  }
  const unsaved = values.save === undefined ? undefined : whyNotSaved(values.save)
  if (unsaved !== undefined) return wrongUsage(unsaved)
  const { from = 1, hours = 24, json = false, mode, seconds = unlimited, seeds = unlimited, write = false } = values
  const { limit = values.seconds ?? 30 } = values
  const processes = availableParallelism()
  const times = values.once === true ? 1 : 2
  switch (mode) {
    case undefined:
      process.stderr.write(help)
      return 64
    case "seed":
      return runSeed(values.seed!, values)
    case "replay":
      return runFile(values.replay!, values)
    case "canaries":
      return runCanaries({ cpuSeconds: limit, json, processes })
    case "mutant":
    case "mutants": {
      const { mutant: id, replay: replays, save, seed } = values
      const which = seed === undefined ? { from, seeds } : { from: seed, seeds: 1 }
      return runMutants({ id, ...which, cpuSeconds: limit, json, write, processes, replays, save })
    }
    case "figures":
      return showThroughput({ from, cpuSeconds: limit, json, write })
    case "size":
      return showSize({ json, write })
    case "day":
      return showDay(hours, { json, write })
    case "pairs":
      return comparePairs({ from, pairs: values.pairs!, seconds, node: values.node, json, write })
    case "seeds":
    case "seconds": {
      const needsMarks = mode === "seconds"
      return campaigns({
        from,
        save: values.save,
        times,
        json,
        write,
        seeds,
        seconds,
        processes: seeds < 100 ? 1 : processes,
        needsMarks
      })
    }
  }
}

process.exitCode = await main()
