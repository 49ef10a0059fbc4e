/**
 * Focused scenarios in which something goes wrong in the very moment of a packet.
 *
 * @since 0.1.0
 */
import type * as Packet from "../../../protocol/Packet.ts"
import { callsOf, fault, type Focus, list, server, worker } from "./Focus.ts"

const replies = ["JOB_CREATED", "JOB_CREATED", "WORK_DATA", "WORK_STATUS", "WORK_COMPLETE", "OPTION_RES"] as const

/**
 * Callers are interrupted when a reply comes, or when what they ask is sent; others wait for the same.
 *
 * @since 0.1.0
 * @category constructors
 */
export const interruptions: Focus = (dice) => {
  const fns = dice.of([["merged"], ["streamed"], ["merged", "once"], ["streamed", "limited"]] as const)
  const takes = dice.of([5, 50, 300])
  const when = (kind: string): Packet.Name =>
    kind === "status" ? "STATUS_RES_UNIQUE" : dice.oneIn(5) ? "SUBMIT_JOB" : dice.of(replies)
  return {
    servers: list(dice.of([1, 1, 2]), () => server()),
    workers: [worker(fns, dice.of([1, 2]))],
    clients: list(dice.of([1, 1, 2]), () => ({
      jobsMax: dice.of([undefined, undefined, 1, 2]),
      calls: callsOf(dice.between(4, 9), () => {
        const kind = dice.of(["run", "run", "run", "background", "status"] as const)
        return {
          at: dice.of([0, dice.below(3 * takes)]),
          kind,
          function: dice.of(fns),
          item: dice.below(3),
          takesMillis: takes,
          hedgeMillis: dice.oneIn(8) ? takes : 0,
          // Before the way is there, over which it is to be asked.
          interruptAfterMillis: kind === "status" && dice.oneIn(2) ? 5 : 0,
          ...(dice.oneIn(2) ? { interruptOn: when(kind), interruptNth: dice.of([1, 1, 2, 3]) } : {})
        }
      })
    })),
    ...(dice.oneIn(2) ? { network: { delayBelowMillis: 100 } } : {})
  }
}

const touched: { readonly [role: string]: ReadonlyArray<Packet.Name> } = {
  server: [
    "JOB_CREATED",
    "JOB_ASSIGN_UNIQ",
    "NOOP",
    "NO_JOB",
    "PRE_SLEEP",
    "SUBMIT_JOB",
    "WORK_STATUS",
    "WORK_COMPLETE"
  ],
  worker: ["CAN_DO", "GRAB_JOB_UNIQ", "JOB_ASSIGN_UNIQ", "NO_JOB", "PRE_SLEEP", "NOOP", "WORK_DATA", "WORK_COMPLETE"],
  client: ["OPTION_RES", "SUBMIT_JOB", "JOB_CREATED", "WORK_DATA", "WORK_STATUS", "WORK_COMPLETE"]
}

/**
 * A machine or a connection is lost right after a packet was got or given.
 *
 * @since 0.1.0
 * @category constructors
 */
export const packetsLost: Focus = (dice) => {
  const fns = dice.of([["merged"], ["streamed"], ["merged", "once"], ["streamed", "limited"]] as const)
  const servers = dice.of([1, 1, 2])
  const span = 1000
  const lost = () => {
    const role = dice.of(["server", "worker", "client"] as const)
    const kind = dice.of(["reset", "reset", "crash", "restart", "power", "oneway", "pause"] as const)
    const dialled = `server${dice.between(1, servers)}`
    const node = role === "server" ? dialled : `${role}1`
    const isWay = kind === "reset" || kind === "oneway"
    return fault(kind, node, {
      peer: !isWay ? "" : role === "server" ? dice.of(["worker1", "client1"]) : dialled,
      on: dice.of(touched[role]!),
      nth: dice.between(1, 6),
      // It comes when it comes, and there has to be time for it to be over.
      at: 2 * span,
      lastsMillis: dice.of([10, 10, 300, 3000])
    })
  }
  return {
    servers: list(servers, () => server(dice.of([-1, -1, -1, 3]))),
    workers: list(dice.between(1, 2), () => ({ ...worker(fns, dice.of([1, 2])), prefetch: dice.of([0, 0, 2]) })),
    clients: list(dice.between(1, 2), () => ({
      calls: callsOf(dice.between(3, 8), (index) => ({
        at: dice.below(span),
        kind: dice.of(["run", "run", "background", "status"] as const),
        function: dice.of(fns),
        item: dice.oneIn(2) ? index : dice.below(2),
        takesMillis: dice.of([0, 20, 300])
      }))
    })),
    faults: list(dice.between(1, 3), lost)
  }
}
