/**
 * Focused scenarios in which it is clients and workers that have to get things right.
 *
 * @since 0.1.0
 */
import { asMap } from "../maps.ts"
import { call, callsOf, fault, type Focus, list, server, worker } from "./Focus.ts"

/**
 * Handlers take longer than anybody waits for them, while workers change, stop and lose their connections.
 *
 * @since 0.1.0
 * @category constructors
 */
export const longHandlers: Focus = (dice) => {
  const names = dice.of([
    ["merged", "limited"],
    ["merged", "once"],
    ["limited"],
    ["once", "mapped", "limited"]
  ] as const)
  const sudden = () =>
    fault(dice.of(["reset", "restart", "pause", "partition"] as const), dice.of(["worker1", "worker2", "server1"]), {
      on: dice.of(["Began", "Finished"] as const),
      nth: dice.between(1, 4),
      lastsMillis: dice.of([10, 500, 3000])
    })
  return {
    servers: [server(dice.of([-1, -1, 2]))],
    workers: list(2, (index) => ({
      functions: names,
      slots: dice.between(1, 2),
      prefetch: dice.of([0, 1, 4]),
      changesAt: index === 0 ? 0 : dice.of([0, 100, 1000])
    })),
    clients: [
      {
        calls: callsOf(dice.between(3, 10), (index) => ({
          at: dice.below(2000),
          function: dice.of(names),
          kind: dice.oneIn(4) ? "background" : "run",
          item: index,
          // 1000 is the time limit of those that have one.
          takesMillis: dice.of([0, 900, 1000, 3000, 8000])
        }))
      }
    ],
    faults: list(dice.below(3), sudden).map((one) =>
      one.kind === "reset" || one.kind === "partition"
        ? { ...one, node: dice.of(["worker1", "worker2", "client1"]), peer: "server1" }
        : one
    )
  }
}

/**
 * A client has more callers than it may serve at once, and nothing goes wrong.
 *
 * @since 0.1.0
 * @category constructors
 */
export const crowdedClients: Focus = (dice) => {
  const fn = dice.of(["once", "once", "merged", "failing", "limited"] as const)
  const span = dice.of([50, 1000])
  return {
    servers: list(dice.between(1, 2), () => server()),
    workers: list(dice.between(1, 2), () => worker([fn], 2)),
    clients: [
      {
        jobsMax: dice.of([1, 1, 2]),
        calls: callsOf(dice.between(4, 12), (index) => ({
          at: dice.below(span),
          function: fn,
          item: index,
          takesMillis: dice.of([20, 300]),
          priority: dice.of(["normal", "high", "low"] as const),
          interruptAfterMillis: dice.oneIn(10) ? dice.between(1, 500) : 0
        }))
      }
    ]
  }
}

/**
 * Calls are asked of a second server when the first is slow; one of them may be lost.
 *
 * @since 0.1.0
 * @category constructors
 */
export const hedgedCalls: Focus = (dice) => {
  const fn = dice.of(["merged", "limited", "failing"] as const)
  const servers = dice.between(2, 3)
  // The second may have no room for what the first one has taken.
  const isFull = dice.of([true, true, false])
  // Then the second is asked before the first has said so.
  const isFar = isFull && dice.oneIn(2)
  const span = isFar ? 150 : 500
  return {
    servers: list(servers, () => ({
      ...server(),
      ...(isFull ? { maxJobs: dice.between(1, 2) } : {})
    })),
    workers: list(2, () => worker([fn], 2)),
    clients: list(dice.between(1, 2), () => ({
      calls: callsOf(dice.between(2, 6), () => ({
        at: dice.below(span),
        function: fn,
        item: dice.below(6),
        takesMillis: dice.of([0, 300, 900, 3000]),
        hedgeMillis: isFar ? dice.between(1, 60) : dice.between(1, 400)
      }))
    })),
    ...(isFar ? { network: { delayBelowMillis: 100 } } : {}),
    faults: dice.oneIn(2)
      ? []
      : [
          fault(dice.of(["crash", "pause", "restart"] as const), `server${dice.between(1, servers)}`, {
            at: dice.below(1000),
            lastsMillis: dice.of([500, 9000])
          })
        ]
  }
}

/**
 * Maps have one server for all their items; some of those take long, some fail, and some are equal.
 *
 * @since 0.1.0
 * @category constructors
 */
export const maps: Focus = (dice) => {
  const functions = dice.of([["mapped"], ["mapped"], ["failing"], ["mapped", "failing"], ["once", "limited"]] as const)
  return {
    servers: [server()],
    workers: list(dice.between(1, 2), () => worker(functions, dice.between(1, 3))),
    clients: list(dice.between(1, 2), () => ({
      jobsMax: dice.of([undefined, undefined, 1, 3]),
      calls: callsOf(dice.between(1, 3), () =>
        asMap(
          dice,
          call({
            at: dice.below(300),
            function: dice.of(functions),
            item: dice.below(20),
            takesMillis: dice.of([0, 30, 500]),
            interruptAfterMillis: dice.oneIn(8) ? dice.between(1, 500) : 0
          }),
          10
        )
      )
    })),
    faults: dice.oneIn(4)
      ? [fault(dice.of(["crash", "restart", "pause"] as const), "worker1", { at: dice.below(500), lastsMillis: 500 })]
      : []
  }
}

/**
 * Callers with time limits of their own, which end while their jobs wait, while they run, and
 * when their results are on the way; some share their job with others who have more time.
 *
 * @since 0.1.0
 * @category constructors
 */
export const hurriedCallers: Focus = (dice) => {
  const functions = dice.of([["once"], ["merged"], ["streamed"], ["streamed"], ["merged", "once"]] as const)
  const takes = dice.of([10, 60, 300])
  return {
    servers: list(dice.between(1, 2), () => server()),
    workers: [worker(functions, dice.of([1, 2]))],
    clients: list(2, () => ({
      calls: callsOf(6, () => ({
        at: dice.of([0, 20, dice.below(300)]),
        function: dice.of(functions),
        item: dice.below(4),
        takesMillis: dice.between(takes / 2, takes),
        limitMillis: dice.oneIn(4) ? undefined : dice.of([takes, takes + 1, takes * 2, dice.between(1, takes * 3)])
      }))
    })),
    faults: dice.oneIn(2)
      ? []
      : [
          fault(dice.of(["crash", "restart", "pause"]), dice.of(["worker1", "server1"]), {
            at: dice.below(300),
            lastsMillis: dice.of([50, 400])
          })
        ]
  }
}

/**
 * Callers of one client ask for the same, some more urgently than others, and lose their
 * connection, their worker or their patience meanwhile.
 *
 * @since 0.1.0
 * @category constructors
 */
export const equalCalls: Focus = (dice) => {
  const fn = dice.of(["merged", "streamed"] as const)
  const takesMillis = dice.of([30, 200, 600])
  const span = 3 * takesMillis
  const lost = () =>
    fault(dice.of(["reset", "reset", "restart"] as const), dice.of(["client1", "worker1"]), {
      peer: "server1",
      at: dice.below(span),
      lastsMillis: dice.of([10, 200])
    })
  return {
    servers: [server()],
    workers: [worker([fn], dice.of([1, 2]))],
    clients: [
      {
        jobsMax: dice.of([undefined, 2]),
        calls: callsOf(dice.between(4, 10), () => ({
          at: dice.of([0, dice.below(span)]),
          function: fn,
          item: 2 * dice.below(2),
          takesMillis,
          priority: dice.of(["normal", "normal", "high"] as const),
          interruptAfterMillis: dice.oneIn(5) ? dice.between(1, span) : 0
        }))
      }
    ],
    faults: list(dice.below(3), lost).map((one) => (one.kind === "restart" ? { ...one, peer: "" } : one))
  }
}
