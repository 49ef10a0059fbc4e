/**
 * The process that a planted bug is hunted in: it loads the simulator with the bug in one
 * file, runs seeds until a property notices, and prints what came of it as a line of JSON,
 * after one for each seed. Started by `hunts.ts` with a `Request` as its only argument.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- what it does has to be done before the others are loaded
import "./lean.ts"
import { readFileSync } from "node:fs"
import { enableCompileCache, registerHooks } from "node:module"
import type { Finding } from "../explore/Finding.ts"
import type { Mutant } from "../mutants/Mutant.ts"
import { plant } from "../mutants/Mutant.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Request {
  readonly mutant: Mutant
  readonly from: number
  /** At most so many seeds. */
  readonly seeds: number
  /** No further seed is begun after so much CPU time. */
  readonly cpuSeconds: number
  /** Makes the failing run small. */
  readonly shrinks: boolean
  /** The file of a run: it is run in place of seeds. */
  readonly replays?: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Report {
  /** Why nothing could be run. */
  readonly problem?: string | undefined
  /** The bug could not be planted: it does not fit the code. */
  readonly isUnfit?: boolean | undefined
  /** The seed that showed the bug. */
  readonly seed?: number | undefined
  /** The property's number, where one noticed. */
  readonly property?: number | undefined
  /** What was noticed. */
  readonly message?: string | undefined
  readonly seeds: number
  readonly cpuSeconds: number
  /** Packets at job servers in the shrunk run. */
  readonly events?: number | undefined
  /** Choices in the shrunk run that are not the dull ones. */
  readonly choices?: number | undefined
  /** CPU time that shrinking took. */
  readonly shrinkSeconds?: number | undefined
  /** The run that shows the bug, shrunk if that was asked for. */
  readonly finding?: Finding | undefined
  /** The shrunk run, line by line. */
  readonly trace?: ReadonlyArray<string> | undefined
}

/**
 * Printed before each seed: all that is known where the bug ends the process.
 *
 * @since 0.1.0
 * @category models
 */
export interface Begun {
  readonly begins: true
  readonly seed: number
  /** How many seeds, with this one. */
  readonly seeds: number
  readonly cpuSeconds: number
}

// Enough to see what happened; a failure of one's own is shrunk for longer.
const shrinkSeconds = 10

const cpuSeconds = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1e6
}

const say = (message: Begun | Report): void => void process.stdout.write(`${JSON.stringify(message)}\n`)

/**
 * What judges the programs is loaded a second time, without the bug: a checker that decodes
 * packets by a broken decoder would be blind to what that does.
 */
const observed = "?observer"

const run = async ({ cpuSeconds: limit, from, mutant, replays, seeds, shrinks }: Request): Promise<Report> => {
  const target = new URL(`../../../${mutant.file}`, import.meta.url).href
  let planted = false
  // Half of a short hunt would be compiling what every hunt compiles.
  enableCompileCache()
  registerHooks({
    resolve: (specifier, context, nextResolve) => {
      const resolved = nextResolve(specifier, context)
      const { parentURL = "" } = context
      const isObserver = parentURL.endsWith(observed) || parentURL.includes("/src/sim/properties/")
      return isObserver && resolved.url.includes("/src/protocol/")
        ? { ...resolved, url: resolved.url + observed }
        : resolved
    },
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      if (url !== target) return loaded
      const { source } = loaded
      const text = typeof source === "string" ? source : new TextDecoder().decode(source as Uint8Array)
      const changed = plant(mutant, text)
      if (changed instanceof Error) throw changed
      planted = true
      return { ...loaded, source: changed }
    }
  })
  const fail = (problem: string): Report => ({ problem, isUnfit: true, seeds: 0, cpuSeconds: cpuSeconds() })
  let explore
  try {
    const [
      { checkSeed },
      { choiceCount, fromFile, fromOutcome, replay },
      { shrink },
      { packetCount, trace },
      { Violation }
    ] = await Promise.all([
      import("../explore/check.ts"),
      import("../explore/Finding.ts"),
      import("../explore/shrink.ts"),
      import("../explore/trace.ts"),
      import("../properties/Property.ts")
    ])
    explore = { checkSeed, choiceCount, fromFile, fromOutcome, packetCount, replay, shrink, trace, Violation }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return fail(planted ? `${mutant.file} cannot be loaded with ${mutant.id}: ${message}` : message)
  }
  if (!planted) return fail(`${mutant.id} does not apply: the simulator never loads ${mutant.file}`)
  let count = 0
  while (count < seeds && cpuSeconds() < limit) {
    const seed = from + count++
    say({ begins: true, seed, seeds: count, cpuSeconds: cpuSeconds() })
    const outcome =
      replays === undefined
        ? explore.checkSeed(seed, 1)
        : explore.replay(explore.fromFile(readFileSync(replays, "utf8")))
    const { failure } = outcome
    if (failure === undefined) continue
    const found = cpuSeconds()
    const whole = explore.fromOutcome(outcome)
    const finding = shrinks ? explore.shrink(whole, { cpuSecondsMax: shrinkSeconds }) : whole
    const { failure: shown = failure, moments } = explore.replay(finding, { keepHistory: true })
    return {
      seed,
      property: failure instanceof explore.Violation ? failure.property : undefined,
      // In the words of the run that the trace shows.
      message: shown.message,
      seeds: count,
      cpuSeconds: found,
      events: explore.packetCount(moments),
      choices: explore.choiceCount(finding.choices),
      shrinkSeconds: cpuSeconds() - found,
      finding,
      trace: explore.trace(moments)
    }
  }
  return { seeds: count, cpuSeconds: cpuSeconds() }
}

say(await run(JSON.parse(process.argv[2]!) as Request))
