/**
 * One world of somebody's own programs, run to its end.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { Choices } from "../Choice.ts"
import { hermetically, throwLeak } from "../Hermetic.ts"
import type { Tap } from "../network/Endpoint.ts"
import { withoutSpan } from "../Node.ts"
import { Recorder } from "../properties/Recorder.ts"
import { Dice } from "../scenario/Dice.ts"
import { drawFaults, type Fault, faultKinds } from "../scenario/Fault.ts"
import { begin } from "../scenario/faults.ts"
import { drawWorld } from "../scenario/Scenario.ts"
import type { Options } from "../Simulation.ts"
import { Stalled, usualPatience, watched } from "../scenario/watchdog.ts"
import { World } from "../World.ts"
import { trace as linesOf } from "./trace.ts"

/**
 * A world in which something was not as it must be. Its `cause` is what was thrown, if
 * something was: by `invariant` or `pending`, or where a program took what no seed decides.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationFailure extends Error {
  override readonly name = "SimulationFailure"
  readonly seed: number
  readonly faults: ReadonlyArray<Fault>
  /** What happened, line by line: faults, and what job servers and their peers said to each other. */
  readonly trace: ReadonlyArray<string>

  constructor(
    seed: number,
    faults: ReadonlyArray<Fault>,
    problem: string,
    options?: ErrorOptions & { readonly trace?: ReadonlyArray<string> | undefined }
  ) {
    const told = faults.map((fault) => `${textOf(fault)} at ${fault.at} ms for ${fault.lastsMillis} ms`)
    super(
      `seed ${seed}: ${problem} (faults: ${told.length === 0 ? "none" : told.join(", ")}). Run it again with { from: ${seed}, seeds: 1 }`,
      options
    )
    this.seed = seed
    this.faults = faults
    this.trace = options?.trace ?? []
  }
}

const textOf = ({ kind, node, peer }: Fault): string => `${kind} of ${node}${peer === "" ? "" : ` and ${peer}`}`

const unobserved: Tap = { got: () => {}, gave: () => {}, opened: () => {}, closed: () => {} }

/** More steps than this in one world, or in one moment of it, are a loop that never ends. */
const stepsMax = 1_000_000
const stepsAtOnceMax = 100_000

/** So many steps are watched at a time: starting to watch costs as much as some of them. */
const stepsWatched = 2048

/**
 * A step that never ended: whoever runs the world again waits as long again.
 *
 * @since 0.1.0
 * @category errors
 */
export class Endless extends Error {
  override readonly name = "Endless"
}

/**
 * How to run it.
 *
 * @since 0.1.0
 * @category models
 */
export interface OwnWorldOptions {
  /** Which of the faults that were drawn do not happen, by their place. */
  readonly leftOut?: ReadonlySet<number> | undefined
  /** Makes a trace. */
  readonly isTraced?: boolean | undefined
  /** How long a step may take before it is looked at. */
  readonly wallMillis?: number | undefined
}

/**
 * What came of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface OwnRun {
  readonly steps: number
  readonly simulatedMillis: number
  readonly hash: string
}

/**
 * Runs the world of a seed, or throws a `SimulationFailure`.
 *
 * @since 0.1.0
 * @category running
 */
export const runSeed = (
  seed: number,
  options: Options,
  { isTraced = false, leftOut = new Set(), wallMillis = usualPatience.wallMillis }: OwnWorldOptions = {}
): OwnRun => {
  const { faults: kinds = faultKinds, patienceMillis = 120_000, spanMillis = 2000 } = options
  const dice = new Dice(seed ^ 0x0517a7e5)
  const { invariant, machines, pending } = options.setup()
  const names = Object.keys(machines)
  const faulty = options.faultyMachines ?? names
  mustBeAmong("faultyMachines", faulty, names)
  const ways = faulty.flatMap((one) => names.filter((other) => other !== one).map((other) => [one, other] as const))
  const drawn = drawFaults(dice, { machines: faulty, dialled: faulty, ways }, kinds, spanMillis)
  const faults = drawn.filter((_, index) => !leftOut.has(index))
  const choices = Choices.seeded(seed)
  const recorder = isTraced
    ? new Recorder(
        [],
        () => kernel.now,
        () => Infinity,
        true
      )
    : undefined
  const world = new World(choices, drawWorld(dice), recorder ?? unobserved)
  const { kernel } = world
  let problem: string | undefined
  let cause: unknown
  const wanted = new Set<string>()
  const start = (name: string) => world.start(name, machines[name]!)
  const restart = (name: string) => {
    const { state } = world.node(name)
    if (state === "stopping") wanted.add(name)
    else if (state !== "running") start(name)
  }
  world.onEnd = ({ exit, name, state }) => {
    recorder?.record({ _tag: "Ended", node: name, how: state })
    if (state === "ended" && exit !== undefined && Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
      problem ??= `${name} failed: ${Cause.pretty(exit.cause)}`
    }
    if (wanted.delete(name)) kernel.timer(kernel.world, 1, () => start(name))
  }
  kernel.afterStep = () => {
    recorder?.stepEnded()
    problem ??= invariant?.()
  }
  names.forEach(start)
  // Also of those that are left out: with other timers the world would choose otherwise.
  drawn.forEach((fault, index) => {
    const happens = !leftOut.has(index)
    kernel.timer(kernel.world, fault.at, () => {
      if (happens) recorder?.record({ _tag: "Fault", text: textOf(fault), begins: true })
      const heal = !happens ? () => {} : begin(world, fault, { restart, stop: (name) => world.node(name).stop() })
      kernel.timer(kernel.world, fault.lastsMillis, () => {
        if (happens) recorder?.record({ _tag: "Fault", text: textOf(fault), begins: false })
        heal()
      })
    })
  })
  const healsAt = Math.max(0, ...drawn.map((fault) => fault.at + fault.lastsMillis))
  kernel.timer(kernel.world, healsAt + 1, () => {})
  let moment = { at: 0, step: 0 }
  const goesRound = () => kernel.steps >= stepsMax || kernel.steps - moment.step >= stepsAtOnceMax
  const isOver = () => {
    throwLeak()
    if (kernel.now > moment.at) moment = { at: kernel.now, step: kernel.steps }
    if (problem !== undefined || goesRound()) return true
    if (kernel.now <= healsAt || (!kernel.isIdle() && kernel.steps % 32 !== 0)) return false
    return kernel.now > healsAt + patienceMillis || pending() === undefined
  }
  try {
    const endless = () =>
      new Endless(
        `a step of ${kernel.running.name} never ends, ${kernel.now} ms and ${kernel.steps} steps into the run: look for a loop that does not wait`
      )
    let isDone = false
    const runSome = () => {
      const until = kernel.steps + stepsWatched
      world.run(() => (isDone = isOver()) || kernel.steps >= until, stepsMax)
      if (kernel.steps < until) isDone = true
    }
    hermetically(() => {
      while (!isDone) watched(runSome, endless, { ...usualPatience, wallMillis })
    })
    const missing = problem === undefined ? pending() : undefined
    if (missing !== undefined) {
      const when = goesRound()
        ? `after ${kernel.steps} steps, ${kernel.now} ms into the run: something goes round and round`
        : `${kernel.now - healsAt} ms after all faults were over`
      problem = [`${missing}, ${when}`, ...whereTheyWait(world)].join("; ")
    }
  } catch (error) {
    // A machine that has so much else to do needs more time.
    if (error instanceof Stalled) {
      return runSeed(seed, options, { isTraced, leftOut, wallMillis: 3 * wallMillis })
    }
    cause = error
    problem = error instanceof Error ? error.message : String(error)
  }
  if (problem !== undefined) {
    const trace = recorder === undefined ? [] : linesOf(recorder.moments)
    throw new SimulationFailure(seed, faults, problem, { trace, ...(cause === undefined ? {} : { cause }) })
  }
  return { steps: kernel.steps, simulatedMillis: kernel.now, hash: choices.hash.digest() }
}

/** What can never go on, or else the spans that programs are in: most of theirs have none. */
const whereTheyWait = (world: World): ReadonlyArray<string> => {
  const leaks = world.leaks()
  if (leaks.length > 0) return leaks
  return [...world.nodes.values()].flatMap(({ incarnation, isUp, name }) => {
    const places = isUp ? [...new Set(incarnation.waiting())].filter((place) => place !== withoutSpan) : []
    return places.length === 0 ? [] : [`${name} waits in ${places.join("; ")}`]
  })
}

/**
 * Throws a `RangeError` for a name that nobody knows.
 *
 * @since 0.1.0
 * @category running
 */
export const mustBeAmong = (option: string, given: ReadonlyArray<string>, known: ReadonlyArray<string>): void => {
  const unknown = given.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new RangeError(`${option}: there is no ${unknown}, only ${known.join(", ")}`)
}
