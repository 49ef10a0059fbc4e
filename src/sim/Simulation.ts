/**
 * Simulations of your own programs: handlers, clients, whole services over the job server,
 * on machines that crash and over a network that breaks, thousands of times in a minute,
 * and the same way again for the same seed.
 *
 * Programs run as they are, as long as they take time, chance and network from Effect's
 * services. What they find in global timers, promises or `Date.now` ends the run with an
 * error that names it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Network from "../protocol/Network.ts"
import { Choices } from "./Choice.ts"
import { hermetically } from "./Hermetic.ts"
import type { Tap } from "./network/Endpoint.ts"
import { begin } from "./scenario/faults.ts"
import { Dice } from "./scenario/Dice.ts"
import { drawFaults, type Fault, type FaultKind, faultKinds } from "./scenario/Fault.ts"
import { drawWorld } from "./scenario/Scenario.ts"
import { World } from "./World.ts"

/**
 * One world, made anew for each seed. Keep what the programs tell each other, and you, in
 * variables of the function that makes it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Setup {
  /** Machines by name, and what each runs. A machine's name is the host to dial; `Network.tcp("server")` finds `server`. */
  readonly machines: { readonly [name: string]: Effect.Effect<unknown, unknown, Network.Network> }
  /** Looked at after each step: what is wrong, if something is. */
  readonly invariant?: (() => string | undefined) | undefined
  /** Looked at when all faults are over: what has still to happen, if something has. */
  readonly pending: () => string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Makes a world. */
  readonly setup: () => Setup
  /** How many worlds. Default: 100. */
  readonly seeds?: number | undefined
  /** The first seed. Default: 1. */
  readonly from?: number | undefined
  /** What may go wrong. Default: everything. */
  readonly faults?: ReadonlyArray<FaultKind> | undefined
  /** Which machines it may happen to. A program that is not made to be started again does not belong here. Default: all. */
  readonly faultyMachines?: ReadonlyArray<string> | undefined
  /** Within how many simulated milliseconds faults begin. Default: 2,000. */
  readonly spanMillis?: number | undefined
  /** How many simulated milliseconds `pending` may take once all faults are over. Default: 120,000. */
  readonly patienceMillis?: number | undefined
}

/**
 * A world in which something was not as it must be.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationFailure extends Error {
  override readonly name = "SimulationFailure"
  readonly seed: number
  readonly faults: ReadonlyArray<Fault>

  constructor(seed: number, faults: ReadonlyArray<Fault>, problem: string, options?: ErrorOptions) {
    const told = faults.map(
      ({ at, kind, lastsMillis, node, peer }) =>
        `${kind} of ${node}${peer === "" ? "" : ` and ${peer}`} at ${at} ms for ${lastsMillis} ms`
    )
    super(
      `seed ${seed}: ${problem} (faults: ${told.length === 0 ? "none" : told.join(", ")}). Run it again with { from: ${seed}, seeds: 1 }`,
      options
    )
    this.seed = seed
    this.faults = faults
  }
}

/**
 * What a search has done.
 *
 * @since 0.1.0
 * @category models
 */
export interface Report {
  readonly seeds: number
  readonly steps: number
  readonly simulatedMillis: number
  /** 128 bits over everything that happened, in hexadecimal; equal for equal programs, options and seeds. */
  readonly hashes: ReadonlyArray<string>
}

const unobserved: Tap = { got: () => {}, gave: () => {}, opened: () => {}, closed: () => {} }

/** More steps than this in one world is a loop that never ends. */
const stepsMax = 1_000_000

const runSeed = (seed: number, options: Options, isLeftOut: (fault: number) => boolean = () => false) => {
  const { faults: kinds = faultKinds, patienceMillis = 120_000, spanMillis = 2000 } = options
  const dice = new Dice(seed ^ 0x0517a7e5)
  const { invariant, machines, pending } = options.setup()
  const names = Object.keys(machines)
  const faulty = options.faultyMachines ?? names
  const ways = faulty.flatMap((one) => names.filter((other) => other !== one).map((other) => [one, other] as const))
  const drawn = drawFaults(dice, { machines: faulty, dialled: faulty, ways }, kinds, spanMillis)
  const faults = drawn.filter((_, index) => !isLeftOut(index))
  const choices = Choices.seeded(seed)
  const world = new World(choices, drawWorld(dice), unobserved)
  const { kernel } = world
  let problem: string | undefined
  const wanted = new Set<string>()
  const start = (name: string) => world.start(name, machines[name]!)
  const restart = (name: string) => {
    const { state } = world.node(name)
    if (state === "stopping") wanted.add(name)
    else if (state !== "running") start(name)
  }
  world.onEnd = ({ exit, name, state }) => {
    if (state === "ended" && exit !== undefined && Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
      problem ??= `${name} failed: ${Cause.pretty(exit.cause)}`
    }
    if (wanted.delete(name)) kernel.timer(kernel.world, 1, () => start(name))
  }
  kernel.afterStep = () => {
    problem ??= invariant?.()
  }
  names.forEach(start)
  for (const fault of faults) {
    kernel.timer(kernel.world, fault.at, () => {
      const heal = begin(world, fault, { restart, stop: (name) => world.node(name).stop() })
      kernel.timer(kernel.world, fault.lastsMillis, heal)
    })
  }
  const healsAt = Math.max(0, ...faults.map((fault) => fault.at + fault.lastsMillis))
  kernel.timer(kernel.world, healsAt + 1, () => {})
  const isOver = () => {
    if (problem !== undefined) return true
    if (kernel.now <= healsAt || (!kernel.isIdle() && kernel.steps % 32 !== 0)) return false
    return kernel.now > healsAt + patienceMillis || pending() === undefined
  }
  hermetically(() => world.run(isOver, stepsMax))
  const missing = problem === undefined ? pending() : undefined
  if (missing !== undefined) {
    problem = [`${missing}, ${kernel.now - healsAt} ms after all faults were over`, ...world.leaks()].join("; ")
  }
  if (problem !== undefined) throw new SimulationFailure(seed, faults, problem)
  return { steps: kernel.steps, simulatedMillis: kernel.now, hash: choices.hash.digest() }
}

/** The failure with as few faults as will do: what is left is what it takes. */
const simplest = (failure: SimulationFailure, options: Options): SimulationFailure => {
  const leftOut = new Set<number>()
  let best = failure
  for (let index = 0; index < failure.faults.length; index++) {
    leftOut.add(index)
    try {
      runSeed(failure.seed, options, (fault) => leftOut.has(fault))
      leftOut.delete(index)
    } catch (error) {
      if (error instanceof SimulationFailure) best = error
      else leftOut.delete(index)
    }
  }
  return best
}

/**
 * Runs worlds until one fails, and throws a `SimulationFailure` then, with the faults
 * that it takes to fail; otherwise says what it
 * has done. It is synchronous, and nothing else happens in the process meanwhile.
 *
 * @example
 * ```ts
 * import { Client, JobFunction, JobServer, Network, Worker } from "effect-gearman"
 * import { Simulation } from "effect-gearman/sim"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const reverse = JobFunction.utf8("reverse", { idempotent: true })
 * const servers = ["server"]
 *
 * Simulation.search({
 *   faultyMachines: ["server", "worker"],
 *   setup: () => {
 *     let result: string | undefined
 *     const worker = reverse.toLayer((text) => Effect.succeed([...text].reverse().join("")))
 *     const call = Effect.flatMap(Client.Client, (client) => Effect.eventually(client.run(reverse, "hello")))
 *     return {
 *       machines: {
 *         server: JobServer.serve({ address: Network.tcp("server") }),
 *         worker: Layer.launch(Layer.provide(worker, Worker.layer({ servers }))),
 *         client: Effect.map(Effect.provide(call, Client.layer({ servers })), (text) => {
 *           result = text
 *         })
 *       },
 *       pending: () => (result === "olleh" ? undefined : `the result is ${result}`)
 *     }
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const search = (options: Options): Report => {
  const { from = 1, seeds = 100 } = options
  let steps = 0
  let simulatedMillis = 0
  const hashes: Array<string> = []
  for (let seed = from; seed < from + seeds; seed++) {
    let run: ReturnType<typeof runSeed>
    try {
      run = runSeed(seed, options)
    } catch (error) {
      throw error instanceof SimulationFailure ? simplest(error, options) : error
    }
    steps += run.steps
    simulatedMillis += run.simulatedMillis
    hashes.push(run.hash)
  }
  return { seeds, steps, simulatedMillis, hashes }
}
