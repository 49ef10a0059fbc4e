/**
 * Simulations of your own programs: handlers, clients, whole services over the job server,
 * on machines that crash and over a network that breaks, thousands of times in a minute,
 * and the same way again for the same seed.
 *
 * Programs run as they are, as long as they take time, chance and network from Effect's
 * services. What they find in global timers, promises' `then` or `Date.now` ends the run with
 * an error that names it. An `await` of an async function is JavaScript's own, and goes unseen:
 * such a function never goes on. What programs write to `console` appears when their world is
 * over; `Effect.log` is silent.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Network from "../protocol/Network.ts"
import { Endless, mustBeAmong, type OwnRun, runSeed, SimulationFailure } from "./explore/ownWorld.ts"
import { type FaultKind, faultKinds } from "./scenario/Fault.ts"

export { SimulationFailure } from "./explore/ownWorld.ts"

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

const mustBeWhole = (option: string, given: number, least: number): void => {
  if (Number.isSafeInteger(given) && given >= least) return
  throw new RangeError(`${option} takes a whole number from ${least} on, not ${given}`)
}

/** The failure of a run, if it fails. */
const failureOf = (run: () => unknown): SimulationFailure | undefined => {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof SimulationFailure) return error
    throw error
  }
}

/** Without the lines of a stack, which tell who ran it. */
const headOf = ({ message }: SimulationFailure): string => message.split("\n", 1)[0]!

const unlike =
  "runs of this world differ: its programs take something that no seed decides, such as what node:crypto gives, or what an earlier run has left in a variable outside setup"

/** The failure with as few faults as will do: what is left is what it takes. With a trace. */
const simplest = (failure: SimulationFailure, options: Options): SimulationFailure => {
  const { faults, seed } = failure
  if (failure.cause instanceof Endless) return failure
  const leftOut = new Set<number>()
  let best = failure
  faults.forEach((_, index) => {
    leftOut.add(index)
    const again = failureOf(() => runSeed(seed, options, { leftOut }))
    if (again === undefined) leftOut.delete(index)
    else best = again
  })
  const traced = failureOf(() => runSeed(seed, options, { leftOut, isTraced: true }))
  return traced !== undefined && headOf(traced) === headOf(best)
    ? traced
    : new SimulationFailure(seed, faults, `${unlike}; one failed: ${failure.message}`, { cause: failure })
}

/**
 * Runs worlds until one fails, and throws a `SimulationFailure` then, with the faults
 * that it takes to fail and what was said on the wire; otherwise says what it has done. The
 * first world runs twice, and fails if both runs are not the same to the byte. It is
 * synchronous, and nothing else happens in the process meanwhile. Options that make no sense
 * are a `RangeError`.
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
  const { faults = faultKinds, from = 1, patienceMillis = 120_000, seeds = 100, spanMillis = 2000 } = options
  mustBeWhole("seeds", seeds, 1)
  mustBeWhole("from", from, 0)
  mustBeWhole("spanMillis", spanMillis, 1)
  mustBeWhole("patienceMillis", patienceMillis, 1)
  mustBeAmong("faults", faults, faultKinds)
  let steps = 0
  let simulatedMillis = 0
  const hashes: Array<string> = []
  for (let seed = from; seed < from + seeds; seed++) {
    let run: OwnRun
    try {
      run = runSeed(seed, options)
    } catch (error) {
      throw error instanceof SimulationFailure ? simplest(error, options) : error
    }
    // One world is enough to notice: most programs have something to do in each.
    if (seed === from && runSeed(seed, options).hash !== run.hash) throw new SimulationFailure(seed, [], unlike)
    steps += run.steps
    simulatedMillis += run.simulatedMillis
    hashes.push(run.hash)
  }
  return { seeds, steps, simulatedMillis, hashes }
}
