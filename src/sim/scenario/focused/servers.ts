/**
 * Focused scenarios in which it is the job server that has to get things right.
 *
 * @since 0.1.0
 */
import { worldBeginsMillis } from "../../Clock.ts"
import { payloadOf } from "../functions.ts"
import type { RequestName } from "../peers.ts"
import type { Saying } from "../Scenario.ts"
import { callsOf, fault, type Focus, list, peer, saying, server, worker } from "./Focus.ts"

/**
 * Many listen to few jobs over connections of their own, and leave one after the other while those run.
 *
 * @since 0.1.0
 * @category constructors
 */
export const leavingListeners: Focus = (dice) => {
  const fn = dice.of(["merged", "streamed"] as const)
  const takesMillis = dice.of([100, 400, 1000])
  const workload = payloadOf(0, takesMillis)
  const submission = ["SUBMIT_JOB", "SUBMIT_JOB_HIGH", "SUBMIT_JOB_LOW", "SUBMIT_JOB_BG"] as const
  return {
    // With its attempts spent, a job fails for all who listen.
    servers: [server(dice.of([-1, 1]))],
    workers: list(dice.between(1, 2), () => worker([fn], 2)),
    clients: list(2, () => ({
      calls: callsOf(dice.between(1, 3), () => ({ at: dice.below(takesMillis), function: fn, takesMillis }))
    })),
    peers: list(dice.between(2, 5), () =>
      peer([
        ...list(dice.between(1, 3), () =>
          saying(dice.below(200), dice.of(submission), fn, fn === "merged" ? "i0" : "-", workload)
        ),
        saying(dice.below(takesMillis), "ECHO_REQ", "still here")
      ])
    ),
    faults: [
      ...(dice.oneIn(2) ? [fault("restart", "client1", { at: dice.below(takesMillis), lastsMillis: 500 })] : []),
      ...(dice.oneIn(2) ? [fault("crash", "worker1", { at: dice.below(2 * takesMillis), lastsMillis: 500 })] : [])
    ]
  }
}

/**
 * Strangers report on jobs that are not theirs, or not any more, or that they keep for too long.
 *
 * @since 0.1.0
 * @category constructors
 */
export const strangeWorkers: Focus = (dice) => {
  const fn = dice.of(["once", "streamed", "limited"] as const)
  const handle = () => dice.of(["$other", "$other", "$assigned"])
  const report = (at: number): Saying => {
    const packet = dice.of(["WORK_STATUS", "WORK_DATA", "WORK_COMPLETE", "WORK_FAIL", "WORK_EXCEPTION"] as const)
    if (packet === "WORK_STATUS") return saying(at, packet, handle(), String(dice.below(5)), "5")
    return packet === "WORK_COMPLETE" ? saying(at, packet, handle(), "foreign") : saying(at, packet, handle(), "said")
  }
  /** As Perl's workers do: they ask, and fail what they have. */
  const endsTwice = (at: number): ReadonlyArray<Saying> => [
    saying(at, "GRAB_JOB"),
    saying(at + 30, "WORK_EXCEPTION", "$assigned", "said"),
    saying(at + 30, "WORK_FAIL", "$assigned")
  ]
  const limit = () =>
    dice.of([
      ["CAN_DO_TIMEOUT", fn, dice.of(["1000", "1500", "4000"])],
      ["CAN_DO", fn]
    ] as const)
  const announce = (at: number): Saying => {
    const [packet, ...fields] = limit()
    return saying(at, packet, ...fields)
  }
  const span = 3000
  return {
    servers: [server(dice.of([-1, -1, 0, 2]))],
    workers: list(dice.between(1, 2), () => worker([fn], dice.between(1, 2))),
    clients: [
      {
        calls: callsOf(8, (index) => ({
          at: dice.below(span),
          kind: dice.oneIn(4) ? "background" : "run",
          function: fn,
          item: index,
          takesMillis: dice.of([20, 500, 1500])
        }))
      }
    ],
    peers: list(dice.between(1, 3), () =>
      peer([
        announce(dice.below(100)),
        announce(100 + dice.below(100)),
        ...list(dice.between(2, 5), () => saying(dice.below(span), dice.of(["GRAB_JOB", "GRAB_JOB_UNIQ"] as const))),
        ...list(dice.between(2, 5), () => saying(dice.below(span), "PRE_SLEEP")),
        ...list(dice.between(3, 8), () => report(dice.below(2 * span))),
        ...list(dice.below(3), () => endsTwice(dice.below(span))).flat(),
        saying(span + dice.below(span), "OPTION_REQ", "exceptions")
      ])
    )
  }
}

/**
 * Many jobs come in one piece, and more workers than have asked for them sleep.
 *
 * @since 0.1.0
 * @category constructors
 */
export const bursts: Focus = (dice) => {
  const fns = dice.of([["once"], ["merged"], ["merged", "once"]] as const)
  const burst = (at: number): ReadonlyArray<Saying> =>
    list(dice.between(2, 6), (index) =>
      saying(
        at,
        dice.of(["SUBMIT_JOB_BG", "SUBMIT_JOB_HIGH_BG", "SUBMIT_JOB_LOW_BG"] as const),
        dice.of(fns),
        "",
        payloadOf(index, dice.of([0, 30]))
      )
    )
  return {
    servers: [server(-1, dice.of([0, 1, 2]))],
    workers: list(dice.between(2, 4), () => worker(fns, dice.between(1, 2))),
    clients: [
      {
        calls: callsOf(dice.between(2, 6), (index) => ({
          at: dice.below(100),
          function: dice.of(fns),
          item: index,
          takesMillis: dice.of([0, 30])
        }))
      }
    ],
    peers: list(dice.between(1, 3), () => peer([...burst(0), ...burst(dice.below(60)), ...burst(dice.below(60))])),
    faults: dice.oneIn(3)
      ? [
          fault(dice.of(["crash", "restart"] as const), "server1", {
            on: "Began",
            nth: dice.between(1, 6),
            lastsMillis: 50
          })
        ]
      : [],
    network: { delayBelowMillis: dice.of([1, 1, 3]) }
  }
}

/**
 * Jobs whose time has yet to come, and who joins them, raises them and leaves meanwhile; the
 * server's clock may be set.
 *
 * @since 0.1.0
 * @category constructors
 */
export const appointments: Focus = (dice) => {
  const fn = dice.of(["merged", "once"] as const)
  const due = () => String(worldBeginsMillis / 1000 + dice.of([1, 2, 3, 5, 25]))
  const submission = ["SUBMIT_JOB", "SUBMIT_JOB_HIGH", "SUBMIT_JOB_LOW_BG", "SUBMIT_JOB_HIGH_BG"] as const
  const span = 3000
  /** A unique and its workload. */
  const work = (): readonly [unique: string, workload: string] => {
    const item = dice.below(2)
    return [dice.of([`i${item}`, `i${item}`, "", "-"]), payloadOf(item, 20)]
  }
  const appointment = (at: number): Saying => {
    const [unique, workload] = work()
    return saying(at, "SUBMIT_JOB_EPOCH", fn, unique, due(), workload)
  }
  return {
    servers: [server(-1, dice.of([0, 1]))],
    workers: list(dice.between(1, 2), () => worker([fn])),
    clients: list(1, () => ({
      calls: callsOf(dice.between(1, 3), (index) => ({
        at: dice.below(span),
        kind: dice.of(["later", "run"] as const),
        function: fn,
        item: index,
        takesMillis: 20
      }))
    })),
    peers: list(dice.between(1, 3), () =>
      peer([
        ...list(dice.between(1, 4), () => appointment(dice.of([0, dice.below(span)]))),
        ...list(dice.below(3), () => saying(dice.below(span), dice.of(submission), fn, ...work()))
      ])
    ),
    operators: dice.oneIn(2)
      ? []
      : [{ server: 1, lines: list(6, (index) => ({ at: 500 * index, text: "prioritystatus" })) }],
    faults: dice.oneIn(2)
      ? []
      : [fault("jump", "server1", { at: dice.below(span), amount: dice.of([-3000, 1500, 20_000]) })]
  }
}

/**
 * Some who wait for a job want to know what was thrown, and others do not; or they say so late.
 *
 * @since 0.1.0
 * @category constructors
 */
export const mixedExceptions: Focus = (dice) => {
  const takesMillis = dice.of([50, 200])
  const span = 3 * takesMillis
  const payload = () => payloadOf(dice.below(3), takesMillis)
  return {
    servers: [server(dice.of([-1, 1]))],
    workers: list(dice.between(1, 2), () => worker(["failing"], dice.between(1, 2))),
    clients: list(2, () => ({
      calls: callsOf(dice.between(1, 4), () => ({
        at: dice.below(span),
        function: "failing",
        item: dice.below(3),
        takesMillis
      }))
    })),
    peers: list(dice.between(1, 4), () =>
      peer([
        ...(dice.oneIn(2) ? [saying(dice.below(span), "OPTION_REQ", "exceptions")] : []),
        ...list(dice.between(1, 4), () =>
          saying(dice.below(span), "SUBMIT_JOB", "failing", "-", JSON.stringify(payload()))
        ),
        saying(2 * span, "ECHO_REQ", "still here")
      ])
    ),
    faults: dice.oneIn(3) ? [fault("crash", "worker1", { at: dice.below(span), lastsMillis: 50 })] : []
  }
}

/**
 * Strangers ask for a job, and in the same breath speak the text protocol, or no language at all.
 *
 * @since 0.1.0
 * @category constructors
 */
export const bilinguals: Focus = (dice) => {
  const fn = dice.of(["once", "merged"] as const)
  return {
    servers: [server()],
    workers: [worker([fn])],
    clients: [
      {
        calls: callsOf(dice.between(1, 4), (index) => ({
          at: dice.below(200),
          function: fn,
          item: index,
          takesMillis: 20
        }))
      }
    ],
    peers: list(dice.between(1, 3), () => {
      const at = dice.below(200)
      const questions = list(dice.between(1, 3), () =>
        saying(at, dice.of(["GRAB_JOB", "GRAB_JOB_UNIQ", "ECHO_REQ", "GET_STATUS"] as const), "H:none")
      )
      return {
        ...peer([saying(0, "CAN_DO", fn), ...questions]),
        lastWords: dice.of([
          "status\n",
          "workers\nversion\n",
          "show jobs\n",
          "\0ABC nothing",
          "one two three four five six\n"
        ])
      }
    })
  }
}

/**
 * A worker has much to say over a narrow way, while it is woken for more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const narrowWays: Focus = (dice) => {
  const fns = dice.of([["streamed"], ["streamed", "once"], ["streamed", "merged"]] as const)
  const span = dice.of([1000, 3000])
  return {
    servers: [server()],
    workers: list(1, () => ({
      ...worker(fns, dice.between(3, 6)),
      ...(dice.oneIn(3) ? { maxUnsentBytes: dice.of([1, 100]) } : {})
    })),
    clients: list(2, () => ({
      maxUnsentBytes: dice.of([undefined, undefined, 1, 100]),
      calls: callsOf(dice.between(5, 12), (index) => ({
        at: dice.below(span),
        function: dice.of(fns),
        item: index,
        takesMillis: dice.of([20, 100, 400, 400])
      }))
    })),
    network: { windowBytes: dice.of([64, 64, 256, 1024]), delayBelowMillis: dice.of([3, 20]) }
  }
}

/**
 * Strangers say what they can do in orders that no library uses: twice, with a limit and without
 * one, while they sleep and while they have a job, and ask without being able to do anything.
 *
 * @since 0.1.0
 * @category constructors
 */
export const changingMinds: Focus = (dice) => {
  const [one, other] = dice.of([
    ["once", "merged"],
    ["merged", "once"],
    ["once", "once"]
  ] as const)
  const turns: ReadonlyArray<ReadonlyArray<readonly [RequestName, ...ReadonlyArray<string>]>> = [
    [["CAN_DO", one], ["CAN_DO", one], ["CANT_DO", one], ["GRAB_JOB"]],
    [["CAN_DO_TIMEOUT", one, "1000"], ["CAN_DO", one], ["GRAB_JOB"]],
    [["CAN_DO", one], ["CAN_DO_TIMEOUT", one, "1000"], ["GRAB_JOB_UNIQ"]],
    [["CAN_DO", one], ["CAN_DO", other], ["GRAB_JOB"], ["RESET_ABILITIES"], ["GRAB_JOB"], ["CAN_DO", other]],
    [["CAN_DO", one], ["GRAB_JOB_UNIQ"], ["CANT_DO", one], ["PRE_SLEEP"]],
    [["PRE_SLEEP"], ["CAN_DO", one]],
    [["CAN_DO", one], ["PRE_SLEEP"], ["PRE_SLEEP"]],
    [["CAN_DO", one], ["CAN_DO", other], ["PRE_SLEEP"], ["RESET_ABILITIES"]],
    [["CAN_DO", one], ["CAN_DO", other], ["PRE_SLEEP"], ["CANT_DO", one]],
    [["CAN_DO", one], ["PRE_SLEEP"], ["GRAB_JOB"]],
    [["RESET_ABILITIES"], ["GRAB_JOB"]],
    [["PRE_SLEEP"], ["GRAB_JOB"], ["CANT_DO", other]]
  ]
  const reports = ["WORK_COMPLETE", "WORK_COMPLETE", "WORK_FAIL", "WORK_DATA"] as const
  const span = 3000
  const turn = (at: number): ReadonlyArray<Saying> => {
    const step = dice.of([0, 0, 10, 300])
    return dice.of(turns).map(([packet, ...fields], index) => saying(at + index * step, packet, ...fields))
  }
  return {
    servers: [server(dice.of([-1, -1, 2]), dice.of([0, 0, 1]))],
    workers: list(dice.between(1, 2), () => worker([one, other], 1)),
    clients: [
      {
        calls: callsOf(dice.between(4, 10), (index) => ({
          at: dice.of([0, 20, dice.below(span)]),
          kind: dice.oneIn(3) ? "background" : "run",
          function: dice.of([one, other]),
          item: index,
          takesMillis: dice.of([0, 20, 400])
        }))
      }
    ],
    peers: list(dice.between(1, 3), () =>
      peer([
        ...list(dice.between(1, 5), () => turn(dice.below(span))).flat(),
        ...list(dice.below(4), () => saying(dice.below(span + 1500), dice.of(reports), "$assigned", "foreign")),
        saying(dice.below(2 * span), "ECHO_REQ", "good-bye")
      ])
    )
  }
}
