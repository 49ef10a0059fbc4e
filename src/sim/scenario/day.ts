/**
 * One fixed scenario: a day of a small fleet. It tells how much faster than the world the
 * simulation is; seeds tell what is wrong.
 *
 * @since 0.1.0
 */
import type { WorldOptions } from "../World.ts"
import { Dice } from "./Dice.ts"
import { type Fault, type FaultKind, faultKinds } from "./Fault.ts"
import type { Call, FunctionName, Scenario } from "./Scenario.ts"

const world: WorldOptions = {
  kernel: { preemptWithin: 32, resumeInTurn: true, hurryOneIn: 0 },
  network: {
    delayBelowMillis: 3,
    cutOneIn: 10,
    partialReadOneIn: 10,
    windowBytes: 65_536,
    backlog: 128,
    giveUpAfterMillis: 20_000
  }
}

const functions: ReadonlyArray<FunctionName> = ["merged", "once", "streamed"]

const betweenFaultsMillis = 30_000

/** All but those that set clocks for good: a day of them would add up to weeks. */
const kinds = faultKinds.filter((kind) => kind !== "jump")

const drawFault = (dice: Dice, at: number): Fault => {
  const kind: FaultKind = dice.of(kinds)
  const server = `server${dice.between(1, 2)}`
  const other = `${dice.of(["worker", "client"] as const)}${dice.between(1, 3)}`
  const isOnWay = kind === "partition" || kind === "oneway" || kind === "reset" || kind === "delay"
  const isDialled = kind === "refuse" || kind === "hang" || kind === "nameless"
  return {
    kind,
    at,
    lastsMillis: dice.between(1, 20_000),
    node: isOnWay || isDialled ? server : dice.of([server, other]),
    peer: isOnWay ? other : "",
    amount: kind === "drift" ? dice.between(-100, 100) : dice.between(1, 500)
  }
}

/**
 * Two servers, three workers and three clients, a job every second, and a fault every
 * thirty, for so many hours.
 *
 * @since 0.1.0
 * @category constructors
 */
export const day = (hours: number): Scenario => {
  const dice = new Dice(0x0da7)
  const seconds = hours * 3600
  const calls = Array.from({ length: seconds }, (_, second): Call => {
    const at = second * 1000 + dice.below(1000)
    return {
      at,
      kind: dice.oneIn(10) ? "background" : "run",
      function: dice.of(functions),
      item: second,
      takesMillis: dice.below(300),
      priority: dice.of(["normal", "normal", "high", "low"]),
      hedgeMillis: 0,
      interruptAfterMillis: 0
    }
  })
  const faults = Array.from({ length: Math.floor((seconds * 1000) / betweenFaultsMillis) }, (_, index) =>
    drawFault(dice, index * betweenFaultsMillis + dice.below(10_000))
  )
  return {
    seed: 1,
    world,
    servers: Array.from({ length: 2 }, () => ({ jobRetries: -1, workerWakeup: 0 })),
    workers: Array.from({ length: 3 }, () => ({ functions, slots: 2, changesAt: 0 })),
    clients: Array.from({ length: 3 }, (_, client) => ({ calls: calls.filter((__, index) => index % 3 === client) })),
    peers: [],
    operators: [],
    faults,
    healsAt: seconds * 1000 + betweenFaultsMillis
  }
}
