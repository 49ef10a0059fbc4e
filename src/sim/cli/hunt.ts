/**
 * The process that a planted bug is hunted in: it loads the simulator with the bug in one
 * file, runs seeds until a property notices, and prints what came of it as one line of
 * JSON. Started by `mutants.ts` with a `Request` as its only argument.
 *
 * @since 0.1.0
 */
import { enableCompileCache, registerHooks } from "node:module"
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
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Report {
  /** Why the bug could not be planted. */
  readonly problem?: string | undefined
  /** The seed that showed the bug. */
  readonly seed?: number | undefined
  /** The property's number, where one noticed. */
  readonly property?: number | undefined
  /** What was noticed. */
  readonly message?: string | undefined
  readonly seeds: number
  readonly cpuSeconds: number
  /** What happened between the machines until the bug was noticed. */
  readonly events?: number | undefined
}

const cpuSeconds = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1e6
}

const run = async ({ cpuSeconds: limit, from, mutant, seeds }: Request): Promise<Report> => {
  const target = new URL(`../../../${mutant.file}`, import.meta.url).href
  let planted = false
  // Half of a short hunt would be compiling what every hunt compiles.
  enableCompileCache()
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      if (url.split("?")[0] !== target || planted) return loaded
      const { source } = loaded
      const text = typeof source === "string" ? source : new TextDecoder().decode(source as Uint8Array)
      const changed = plant(mutant, text)
      if (changed instanceof Error) throw changed
      planted = true
      return { ...loaded, source: changed }
    }
  })
  let check: typeof import("../explore/check.ts")
  let property: typeof import("../properties/Property.ts")
  try {
    check = await import("../explore/check.ts")
    property = await import("../properties/Property.ts")
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error), seeds: 0, cpuSeconds: cpuSeconds() }
  }
  if (!planted)
    return {
      problem: `${mutant.id} does not apply: the simulator never loads ${mutant.file}`,
      seeds: 0,
      cpuSeconds: cpuSeconds()
    }
  let count = 0
  while (count < seeds && cpuSeconds() < limit) {
    const seed = from + count++
    const { failure, moments } = check.checkSeed(seed, 1, { keepHistory: true })
    if (failure === undefined) continue
    return {
      seed,
      property: failure instanceof property.Violation ? failure.property : undefined,
      message: failure.message,
      seeds: count,
      cpuSeconds: cpuSeconds(),
      events: moments.length
    }
  }
  return { seeds: count, cpuSeconds: cpuSeconds() }
}

process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2]!) as Request))}\n`)
