/**
 * Focused scenarios about those who speak the text protocol, and about limits.
 *
 * @since 0.1.0
 */
import { operatorOf } from "../operators.ts"
import { callsOf, fault, type Focus, list, server, worker } from "./Focus.ts"

const functions = ["merged", "once"] as const

/**
 * Jobs of two functions that wait, run long and merge, and operators who look, cancel and limit.
 *
 * @since 0.1.0
 * @category constructors
 */
export const cancelling: Focus = (dice) => ({
  servers: [server(dice.of([-1, 2]))],
  workers: [worker(functions, dice.of([1, 2]))],
  clients: list(2, () => ({
    calls: callsOf(8, () => ({
      at: dice.below(600),
      kind: dice.oneIn(3) ? dice.of(["background", "later"] as const) : "run",
      function: dice.of(functions),
      item: dice.below(2),
      takesMillis: dice.between(50, 300),
      priority: dice.of(["normal", "high", "low"])
    }))
  })),
  operators: [
    ...list(dice.between(1, 2), () => operatorOf(dice, 1, functions, 800)),
    // Who cancels what it has just seen, whatever that does.
    {
      server: 1,
      lines: list(dice.below(6), () => dice.below(800))
        .toSorted((one, other) => one - other)
        .flatMap((at) => [
          { at, text: "show jobs" },
          { at: at + 5, text: "cancel job $shown" }
        ])
    }
  ],
  faults: dice.oneIn(2)
    ? []
    : [fault(dice.of(["restart", "crash"]), "worker1", { at: dice.below(600), lastsMillis: 20 })]
})

/**
 * A server that takes no more than a few jobs, of clients that want more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const limiting: Focus = (dice) => ({
  servers: [{ ...server(), maxJobs: dice.of([undefined, 3, 6]), maxJobsPerFunction: dice.of([undefined, 2, 4]) }],
  workers: [worker(functions, 1)],
  clients: list(2, () => ({
    calls: callsOf(8, () => ({
      at: dice.of([0, 50, 100, 150]),
      kind: dice.oneIn(3) ? "background" : "run",
      function: dice.of(functions),
      item: dice.below(3),
      takesMillis: dice.below(60),
      priority: dice.of(["normal", "low", "low"]),
      interruptAfterMillis: dice.oneIn(6) ? dice.between(1, 60) : 0
    }))
  })),
  operators: dice.oneIn(3)
    ? []
    : dice.oneIn(2)
      ? [operatorOf(dice, 1, functions, 200)]
      : // A third number that is not said is no limit.
        [{ server: 1, lines: functions.map((name) => ({ at: 30, text: `maxqueue ${name} 4 ${dice.between(1, 2)}` })) }]
})
