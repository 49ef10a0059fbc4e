/**
 * Focused scenarios about who sleeps, who is woken, and who takes no notice of it.
 *
 * @since 0.1.0
 */
import { payloadOf } from "../functions.ts"
import { call, callsOf, fault, type Focus, list, peer, saying, server, worker } from "./Focus.ts"

/**
 * Workers fall silent while they sleep, and are woken for jobs that others could do.
 *
 * @since 0.1.0
 * @category constructors
 */
export const silentSleepers: Focus = (dice) => {
  const fn = dice.of(["merged", "once", "limited"] as const)
  const workers = dice.between(2, 4)
  const silent = dice.between(1, workers - 1)
  return {
    servers: [server(-1, dice.of([1, 1, 1, 2, 0]))],
    workers: list(workers, () => worker([fn])),
    clients: list(2, () => ({
      calls: callsOf(dice.between(2, 5), (index) => ({
        at: dice.of([dice.below(8000), 2000 + dice.below(3000)]),
        kind: dice.of(["run", "background", "later"] as const),
        function: fn,
        item: index,
        takesMillis: dice.of([0, 20, 2500])
      }))
    })),
    // Strangers sleep, take no notice when they are woken, and leave.
    peers: list(dice.below(4), () =>
      peer([
        saying(0, "CAN_DO", fn),
        saying(dice.below(3000), "PRE_SLEEP"),
        ...list(dice.below(2), () => saying(3000 + dice.below(3000), dice.of(["PRE_SLEEP", "GRAB_JOB"] as const))),
        saying(3000 + dice.below(4000), "ECHO_REQ", "good-bye")
      ])
    ),
    faults: list(silent, (index) =>
      fault(dice.of(["power", "pause", "pause", "isolate", "restart", "crash"] as const), `worker${index + 2}`, {
        at: dice.of([dice.below(2000), dice.below(6000)]),
        lastsMillis: dice.of([500, 5000, 20_000, 20_000])
      })
    )
  }
}

/**
 * Strangers sleep among the workers: they are woken in their turn and take no notice, or
 * they leave, and then it is the next one's turn.
 *
 * @since 0.1.0
 * @category constructors
 */
export const sleepyStrangers: Focus = (dice) => {
  const fn = dice.of(["merged", "once"] as const)
  const leaving = () => dice.of([["RESET_ABILITIES"], ["CANT_DO", fn]] as const)
  // For a second a server waits for whom it has woken.
  const early = dice.between(200, 2000)
  const late = early + dice.between(900, 3000)
  return {
    servers: [server(-1, dice.of([1, 1, 1, 2]))],
    workers: list(dice.of([1, 1, 2]), () => worker([fn], dice.of([1, 1, 3]))),
    clients: [
      {
        calls: callsOf(dice.between(1, 5), (index) => ({
          at: dice.of([early, late, late, dice.below(5000)]),
          kind: dice.of(["run", "background"] as const),
          function: fn,
          item: index,
          takesMillis: dice.of([0, 20, 300])
        }))
      }
    ],
    peers: list(dice.between(1, 3), () => {
      const [packet, ...fields] = leaving()
      return peer([
        saying(0, "CAN_DO", fn),
        saying(dice.of([0, 0, dice.below(early), early + dice.below(900)]), "PRE_SLEEP"),
        ...(dice.oneIn(2) ? [] : [saying(dice.of([early, late, late]) + dice.below(1000), packet, ...fields)]),
        saying(dice.of([7000, dice.below(7000)]), "ECHO_REQ", "good-bye")
      ])
    })
  }
}

/**
 * Whoever is woken for one function is given a job of another that has come meanwhile, and
 * somebody else sleeps who could do the first.
 *
 * @since 0.1.0
 * @category constructors
 */
export const otherErrands: Focus = (dice) => {
  const [fn, other] = dice.of([
    ["merged", "once"],
    ["once", "merged"]
  ] as const)
  const rounds = dice.between(2, 5)
  const between = 400
  return {
    servers: [server(-1, dice.of([1, 1, 1, 2]))],
    workers: [worker([fn, other]), ...list(dice.between(1, 2), () => worker([fn]))],
    clients: [
      {
        calls: list(rounds, (round) => {
          const at = 200 + round * between
          const takesMillis = dice.of([20, 100, 300])
          return [
            call({ at, function: fn, item: 2 * round, takesMillis, priority: dice.of(["normal", "low"] as const) }),
            call({ at: at + dice.below(6), function: other, item: 2 * round + 1, takesMillis, priority: "high" })
          ]
        }).flat()
      }
    ],
    network: { delayBelowMillis: dice.of([3, 3, 20]) }
  }
}

/**
 * Jobs come in one piece when somebody has just asked and is not answered yet, and others sleep.
 *
 * @since 0.1.0
 * @category constructors
 */
export const askedAlready: Focus = (dice) => {
  const fn = dice.of(["merged", "once"] as const)
  const rounds = list(dice.between(2, 6), (round) => 200 + 300 * round)
  return {
    servers: [server(-1, dice.of([1, 1, 1, 2]))],
    workers: list(dice.between(2, 4), () => worker([fn])),
    clients: [{ calls: callsOf(2, (index) => ({ at: dice.below(1500), function: fn, item: 100 + index })) }],
    peers: [
      ...list(dice.between(1, 2), () =>
        peer([
          saying(0, "CAN_DO", fn),
          ...rounds.flatMap((at) => [saying(at, "GRAB_JOB"), saying(at + 20, "WORK_COMPLETE", "$assigned", "foreign")]),
          saying(2500, "ECHO_REQ", "good-bye")
        ])
      ),
      peer(
        rounds.flatMap((at, round) =>
          list(dice.between(1, 4), (index) =>
            saying(at, "SUBMIT_JOB_BG", fn, "", payloadOf(4 * round + index, dice.of([0, 20])))
          )
        )
      )
    ],
    network: { delayBelowMillis: 1 }
  }
}
