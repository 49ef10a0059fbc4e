/**
 * Focused scenarios about what few users of a job server ask of it.
 *
 * @since 0.1.0
 */
import { worldBeginsMillis } from "../../Clock.ts"
import { payloadOf } from "../functions.ts"
import { callsOf, fault, type Focus, list, peer, saying, server, worker } from "./Focus.ts"

/**
 * Jobs of several functions have one unique. Strangers ask for it, some leave what runs for
 * them, and operators look at what there is.
 *
 * @since 0.1.0
 * @category constructors
 */
export const sameUniques: Focus = (dice) => {
  const functions = ["merged", "once", "streamed"] as const
  const takesMillis = dice.of([100, 400])
  const span = 3 * takesMillis
  return {
    servers: [server()],
    workers: [worker(functions, dice.between(1, 2))],
    clients: [
      { calls: callsOf(dice.between(1, 3), () => ({ at: dice.below(span), kind: "status", function: "merged" })) }
    ],
    peers: list(dice.between(2, 3), () =>
      peer([
        ...list(dice.between(2, 4), () =>
          saying(
            dice.below(span),
            dice.of(["SUBMIT_JOB", "SUBMIT_JOB_BG"] as const),
            dice.of(functions),
            "i0",
            payloadOf(0, takesMillis)
          )
        ),
        ...list(dice.between(2, 4), () => saying(dice.below(span), "GET_STATUS_UNIQUE", "i0"))
      ])
    ),
    operators: [{ server: 1, lines: list(6, (index) => ({ at: (index * span) / 6, text: "show jobs" })) }]
  }
}

/**
 * A server whose rules let everybody submit jobs of one function only, and callers who ask for others too.
 *
 * @since 0.1.0
 * @category constructors
 */
export const rules: Focus = (dice) => {
  const functions = ["merged", "once"] as const
  return {
    servers: [{ ...server(), submits: [dice.of(functions)] }],
    workers: [worker(functions, 2)],
    clients: list(dice.between(1, 2), () => ({
      calls: callsOf(dice.between(2, 6), () => ({
        at: dice.below(300),
        kind: dice.of(["run", "run", "background", "later", "status"] as const),
        function: dice.of(functions),
        item: dice.below(3),
        takesMillis: dice.of([0, 30]),
        priority: dice.of(["normal", "high", "low"] as const)
      }))
    }))
  }
}

/**
 * A job's time is far away when the server's clock is set forward: it comes earlier than
 * anybody thought. Nobody says anything meanwhile that would make the server look.
 *
 * @since 0.1.0
 * @category constructors
 */
export const clocksSetForward: Focus = (dice) => {
  const asleepMillis = 70_000
  const due = () => String(worldBeginsMillis / 1000 + dice.of([50, 60]))
  return {
    servers: [server()],
    workers: [worker(["once"])],
    clients: [],
    peers: [
      peer(
        list(dice.between(1, 2), (index) =>
          saying(100 + dice.below(1000), "SUBMIT_JOB_EPOCH", "once", "", due(), payloadOf(index, 20))
        )
      ),
      // It sleeps all the time, and takes no notice when it is woken.
      peer([
        saying(0, "CAN_DO", "once"),
        saying(dice.below(1000), "PRE_SLEEP"),
        saying(asleepMillis, "ECHO_REQ", "good-bye")
      ])
    ],
    faults: [
      fault("crash", "worker1", { lastsMillis: asleepMillis }),
      fault("jump", "server1", { at: 2000 + dice.below(5000), amount: dice.of([20_000, 30_000]) })
    ]
  }
}
