/**
 * Plants bugs, each in a process of its own, and tells which property noticed.
 *
 * @since 0.1.0
 */
import { execFile, type ExecFileException } from "node:child_process"
import { existsSync, readFileSync, statSync } from "node:fs"
import { resolve } from "node:path"
import { checkSeed } from "../explore/check.ts"
import { type Finding, replay } from "../explore/Finding.ts"
import { mutants } from "../mutants/index.ts"
import { type Mutant, plant } from "../mutants/Mutant.ts"
import { nameOfProperty } from "../properties/names.ts"
import { readObject } from "./files.ts"
import type { Begun, Report, Request } from "./hunt.ts"

/**
 * How long to look for a bug.
 *
 * @since 0.1.0
 * @category models
 */
export interface HuntOptions {
  readonly from: number
  readonly seeds: number
  readonly cpuSeconds: number
  /** Makes failing runs small, which may take longer than finding them. */
  readonly shrinks: boolean
}

/**
 * What came of a planted bug.
 *
 * @since 0.1.0
 * @category models
 */
export interface Hunt {
  readonly mutant: Mutant
  /** Why it was not even tried. */
  readonly problem: string | undefined
  /** The problem is that it does not fit the code. */
  readonly isUnfit: boolean
  readonly killed: boolean
  /** Number and name of the property that noticed. */
  readonly property: string | undefined
  readonly message: string | undefined
  readonly cpuSeconds: number
  readonly seeds: number
  readonly events: number | undefined
  readonly choices: number | undefined
  readonly shrinkSeconds: number | undefined
  /** The run that shows the bug. */
  readonly finding: Finding | undefined
  readonly trace: ReadonlyArray<string>
}

const root = new URL("../../../", import.meta.url)

const killer = new URL("hunt.ts", import.meta.url)

/** A bug that makes the simulation hang is ended after this many times the CPU time it may take. */
const patience = 20

// Shrinking has a limit of its own.
const shrinkSeconds = 120

/** A bug may have written into the output, too. */
const toldIn = (line: string): Report | Begun | undefined => {
  try {
    const told = JSON.parse(line) as Partial<Report> | null
    return typeof told?.seeds === "number" && typeof told.cpuSeconds === "number" ? (told as Report) : undefined
  } catch {
    return undefined
  }
}

/** Why there is no report: only a bug ends the process. */
const howEnded = (error: ExecFileException | null, stderr: string): string => {
  if (stderr.includes("heap out of memory")) return "the simulation took all memory there is, and ended"
  const how = error?.signal == null ? `with exit code ${error?.code ?? 0}` : `by ${error.signal}`
  const thrown = stderr.split("\n").find((line) => /^\w*Error\b/.test(line))
  return `the simulation's process ended ${how}${thrown === undefined ? "" : ` (${thrown})`}`
}

const start = (request: Request): Promise<Report> =>
  new Promise((done) => {
    const timeout = Math.ceil(1000 * (request.cpuSeconds * patience + 20 + (request.shrinks ? shrinkSeconds : 0)))
    execFile(
      process.execPath,
      [...process.execArgv, killer.pathname, JSON.stringify(request)],
      { timeout, killSignal: "SIGKILL", maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        const lines = stdout.split("\n").flatMap((line) => toldIn(line) ?? [])
        const report = lines.find((line) => !("begins" in line))
        if (report !== undefined) return done(report)
        const begun = lines.at(-1)
        if (error?.killed === true) {
          return done({ problem: "the simulation hangs", seeds: begun?.seeds ?? 0, cpuSeconds: request.cpuSeconds })
        }
        const ended = howEnded(error, stderr)
        done(
          begun === undefined
            ? { problem: `${ended} before its first seed`, seeds: 0, cpuSeconds: 0 }
            : { ...begun, property: 0, message: `property 0: ${ended} in seed ${begun.seed}` }
        )
      }
    )
  })

/**
 * Runs seeds with the bug planted until one fails that does not fail without it.
 *
 * @since 0.1.0
 * @category running
 */
export const hunt = async (mutant: Mutant, options: HuntOptions): Promise<Hunt> => {
  let seeds = 0
  let cpuSeconds = 0
  for (;;) {
    const report = await start({
      mutant,
      from: options.from + seeds,
      seeds: options.seeds - seeds,
      cpuSeconds: options.cpuSeconds - cpuSeconds,
      shrinks: options.shrinks
    })
    seeds += report.seeds
    cpuSeconds += report.cpuSeconds
    const {
      choices,
      events,
      finding,
      isUnfit = false,
      message,
      problem,
      property,
      seed,
      shrinkSeconds,
      trace = []
    } = report
    const isKilled = seed !== undefined && checkSeed(seed, 1).failure === undefined
    // Shrinking can only see that the same property fails; here it shows whether for the same reason.
    const isShown = isKilled && finding !== undefined && replay(finding).failure === undefined
    if (isKilled || problem !== undefined || seed === undefined || cpuSeconds >= options.cpuSeconds) {
      return {
        mutant,
        problem,
        isUnfit,
        killed: isKilled,
        property: isKilled ? nameOfProperty(property ?? 0) : undefined,
        message: isKilled ? message : undefined,
        cpuSeconds: Number(cpuSeconds.toFixed(2)),
        seeds,
        events: isShown ? events : undefined,
        choices: isShown ? choices : undefined,
        shrinkSeconds: isShown ? shrinkSeconds : undefined,
        finding: isShown ? finding : undefined,
        trace: isKilled ? trace : []
      }
    }
  }
}

/**
 * Runs what a file has kept, with the bug planted. No message: nothing was noticed.
 *
 * @since 0.1.0
 * @category running
 */
export const replayPlanted = (mutant: Mutant, file: string): Promise<Report> =>
  start({ mutant, from: 0, seeds: 1, cpuSeconds: 60, shrinks: false, replays: resolve(file) })

/**
 * The planted bug of that id, or the one in the file of that name, if it applies.
 *
 * @since 0.1.0
 * @category getters
 */
export const find = (idOrFile: string): Mutant | Error => {
  const known = mutants.find((mutant) => mutant.id === idOrFile)
  if (known !== undefined) return known
  if (!existsSync(idOrFile)) return new Error(`there is no planted bug ${idOrFile}, and no file of that name`)
  const read = readObject(idOrFile)
  if (read instanceof Error) return read
  const entry: Partial<Mutant> = read
  const { file, find, replace } = entry
  if (typeof file !== "string" || typeof find !== "string" || typeof replace !== "string") {
    return new Error(`${idOrFile} needs the texts "file", "find" and "replace"`)
  }
  const mutant = { id: idOrFile, title: "", property: 0, needs: [], ...entry, file, find, replace }
  const source = new URL(file, root)
  if (statSync(source, { throwIfNoEntry: false })?.isFile() !== true) {
    return new Error(`${mutant.id} does not apply: there is no file ${file} in the project`)
  }
  const planted = plant(mutant, readFileSync(source, "utf8"))
  return planted instanceof Error ? planted : mutant
}

/**
 * A hunt as one object, as `--json` prints it.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toJson = ({
  choices,
  cpuSeconds,
  events,
  killed,
  mutant,
  problem,
  property,
  seeds,
  shrinkSeconds
}: Hunt) => ({
  id: mutant.id,
  killed,
  property: property ?? null,
  cpu_seconds: cpuSeconds,
  seeds,
  events: events ?? null,
  choices: choices ?? null,
  shrink_seconds: shrinkSeconds === undefined ? null : Number(shrinkSeconds.toFixed(2)),
  ...(problem === undefined ? {} : { problem })
})

/**
 * Hunts many, so many at a time, and tells each as it is done. Ids that begin alike keep
 * their order in the result.
 *
 * @since 0.1.0
 * @category running
 */
export const huntAll = async (
  list: ReadonlyArray<Mutant>,
  options: HuntOptions & { readonly processes: number },
  onDone: (hunt: Hunt) => void
): Promise<ReadonlyArray<Hunt>> => {
  const results: Array<Hunt> = []
  let next = 0
  const work = async () => {
    while (next < list.length) {
      const index = next++
      results[index] = await hunt(list[index]!, options)
      onDone(results[index])
    }
  }
  await Promise.all(Array.from({ length: options.processes }, work))
  return results
}
