/**
 * Focused scenarios in which it is the worker that has to get things right.
 *
 * @since 0.1.0
 */
import { callsOf, fault, type Focus, list, server } from "./Focus.ts"

/**
 * Functions with a limit of their own, whose connections break while jobs are asked for.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ownLimits: Focus = (dice) => {
  const names = dice.of([["merged", "once"], ["once", "merged"], ["streamed", "once"], ["once"]] as const)
  const span = dice.of([200, 1000])
  return {
    servers: [server()],
    workers: list(dice.of([1, 1, 2]), () => ({
      functions: names,
      slots: dice.of([3, 3, 4, 6]),
      prefetch: dice.of([0, 0, 2]),
      ownLimit: dice.of([1, 2, 2, 4]),
      changesAt: 0
    })),
    clients: [
      {
        calls: callsOf(dice.between(6, 20), (index) => ({
          at: dice.below(span),
          function: dice.oneIn(4) ? dice.of(names) : names.at(-1)!,
          item: index,
          takesMillis: dice.of([0, 5, 20])
        }))
      }
    ],
    faults: list(dice.between(2, 6), () =>
      fault("reset", "worker1", {
        peer: "server1",
        ...(dice.oneIn(2) ? { at: dice.below(span) } : { on: "Finished", nth: dice.between(1, 12) })
      })
    ),
    network: { delayBelowMillis: dice.of([3, 20, 20, 100]) }
  }
}

/**
 * A worker gives up a function while jobs of it run that nobody wants to wait for.
 *
 * @since 0.1.0
 * @category constructors
 */
export const givenUp: Focus = (dice) => {
  const names = dice.of([
    ["merged", "once"],
    ["once", "merged"],
    ["once", "streamed"]
  ] as const)
  const changesAt = dice.of([50, 300])
  return {
    servers: list(dice.of([1, 1, 2]), () => server(dice.of([-1, -1, 3]))),
    workers: [
      { functions: names, slots: dice.between(1, 2), changesAt: 0 },
      {
        functions: names,
        slots: dice.between(1, 3),
        prefetch: dice.of([0, 0, 2]),
        ownLimit: dice.of([Infinity, Infinity, 1]),
        changesAt
      }
    ],
    clients: [
      {
        calls: callsOf(dice.between(2, 8), (index) => ({
          at: dice.below(2 * changesAt),
          kind: dice.oneIn(4) ? "background" : "run",
          function: dice.oneIn(3) ? dice.of(names) : names.at(-1)!,
          item: 2 * index + 1,
          // 5000 is how long a worker waits for those that run.
          takesMillis: dice.of([20, 3000, 6000, 9000])
        }))
      }
    ]
  }
}

/**
 * A worker gets to read only now and then, and what it reads is a job and that its server is gone.
 *
 * @since 0.1.0
 * @category constructors
 */
export const lateReaders: Focus = (dice) => {
  const fn = dice.of(["merged", "limited"] as const)
  const between = 2000
  const rounds = dice.between(1, 3)
  return {
    servers: [server()],
    workers: [{ functions: [fn], slots: dice.of([1, 1, 2, 4]), prefetch: dice.of([0, 0, 2]), changesAt: 0 }],
    clients: [
      {
        calls: callsOf(rounds * 9, (index) => ({
          at: (index % rounds) * between + dice.below(200),
          function: fn,
          item: index,
          takesMillis: dice.of([0, 5, 20])
        }))
      }
    ],
    faults: list(rounds, (round) => {
      const at = round * between + dice.between(20, 150)
      return [
        fault("slow", "worker1", { at, lastsMillis: 100 }),
        fault(dice.of(["crash", "restart"] as const), "server1", { at: at + dice.between(10, 60), lastsMillis: 20 })
      ]
    }).flat(),
    network: { delayBelowMillis: dice.of([1, 3, 20]) }
  }
}

/**
 * A worker has rooms to let while its handlers speak: what it is told meets what it says.
 *
 * @since 0.1.0
 * @category constructors
 */
export const talkers: Focus = (dice) => {
  const fns = dice.of([["streamed"], ["streamed", "limited"]] as const)
  const stepMillis = 50
  return {
    servers: [server()],
    workers: list(dice.of([1, 1, 2]), () => ({
      functions: fns,
      slots: dice.between(3, 8),
      ...(dice.oneIn(3) ? { maxUnsentBytes: dice.of([1, 100]) } : {}),
      changesAt: 0
    })),
    clients: list(dice.of([1, 1, 2]), () => ({
      calls: callsOf(dice.between(6, 14), (index) => ({
        // About when the handlers of those before have something to say.
        at: stepMillis * dice.below(10) + dice.below(6),
        function: dice.of(fns),
        item: index,
        takesMillis: 2 * stepMillis * dice.between(1, 2)
      }))
    })),
    network: { delayBelowMillis: dice.of([1, 1, 3]) }
  }
}

/**
 * Workers are told to stop while there is plenty of work, which is the others' from then on.
 *
 * @since 0.1.0
 * @category constructors
 */
export const stops: Focus = (dice) => {
  const fns = dice.of([["merged"], ["once", "merged"], ["streamed", "once"]] as const)
  const takes = dice.of([50, 200, 400])
  return {
    servers: list(dice.of([1, 1, 2]), () => server()),
    workers: list(2, () => ({
      functions: fns,
      slots: dice.between(1, 3),
      prefetch: dice.of([0, 0, 2]),
      ownLimit: dice.of([Infinity, Infinity, 1]),
      changesAt: 0
    })),
    clients: list(2, () => ({
      calls: callsOf(dice.between(6, 12), (index) => ({
        at: dice.below(500),
        kind: dice.oneIn(3) ? "background" : "run",
        function: dice.of(fns),
        item: index,
        takesMillis: dice.between(takes / 2, takes)
      }))
    })),
    faults: list(dice.between(1, 3), () =>
      fault("restart", `worker${dice.between(1, 2)}`, { at: dice.between(50, 1500), lastsMillis: dice.of([100, 3000]) })
    )
  }
}

/**
 * A worker has plenty of one function to do, some of it taken ahead, and a few jobs of another
 * that has a limit of its own.
 *
 * @since 0.1.0
 * @category constructors
 */
export const crowdedOut: Focus = (dice) => {
  const [many, few] = dice.of([
    ["merged", "once"],
    ["once", "merged"],
    ["once", "streamed"]
  ] as const)
  const slots = dice.of([2, 2, 3])
  const takesMillis = dice.of([5, 20])
  return {
    servers: [server()],
    workers: [{ functions: [many, few], slots, prefetch: dice.of([1, 2, 4]), ownLimit: 1, changesAt: 0 }],
    clients: [
      {
        calls: [
          ...callsOf(12 + 4 * slots, (index) => ({ at: dice.below(40), function: many, item: index, takesMillis })),
          ...callsOf(3, (index) => ({ at: 40 + dice.below(40), function: few, item: 100 + 2 * index, takesMillis }))
        ]
      }
    ],
    network: { delayBelowMillis: dice.of([1, 3]) }
  }
}
