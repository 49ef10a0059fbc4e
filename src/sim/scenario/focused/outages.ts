/**
 * Focused scenarios in which servers are gone, late or about to leave.
 *
 * @since 0.1.0
 */
import { callsOf, fault, type Focus, list, server, worker } from "./Focus.ts"

/**
 * For some seconds there is no server at all, and callers come meanwhile.
 *
 * @since 0.1.0
 * @category constructors
 */
export const noServer: Focus = (dice) => {
  const servers = dice.between(1, 2)
  const kind = dice.of(["crash", "power", "refuse", "hang", "nameless", "isolate", "pause"] as const)
  const lastsMillis = dice.of([2000, 6000, 9000, 20_000, 20_000])
  return {
    servers: list(servers, () => server()),
    workers: [worker(["merged", "once"], 2)],
    clients: list(dice.between(1, 2), () => ({
      calls: callsOf(dice.between(3, 8), () => ({
        at: dice.of([dice.below(300), dice.below(9000), dice.below(9000)]),
        kind: dice.of(["run", "run", "run", "run", "background", "status", "echo"] as const),
        function: dice.of(["merged", "merged", "once"] as const),
        item: dice.below(2),
        takesMillis: dice.of([0, 100, 2000]),
        interruptAfterMillis: dice.oneIn(5) ? dice.between(1, 6000) : 0
      }))
    })),
    faults: list(servers, (index) => fault(kind, `server${index + 1}`, { at: dice.below(300), lastsMillis }))
  }
}

/**
 * A server answers late for a while, and is as good as before; callers ask all the time, also what it knows.
 *
 * @since 0.1.0
 * @category constructors
 */
export const lateServers: Focus = (dice) => {
  const servers = dice.between(2, 3)
  const fns = dice.of([["merged"], ["merged", "once"], ["streamed"]] as const)
  return {
    servers: list(servers, () => server()),
    workers: list(2, () => worker(fns, 2)),
    clients: list(dice.between(1, 2), () => ({
      calls: callsOf(dice.between(8, 16), () => ({
        at: dice.below(9000),
        kind: dice.of(["run", "run", "background", "status", "echo"] as const),
        function: dice.of(fns),
        item: dice.below(6),
        takesMillis: dice.of([0, 100])
      }))
    })),
    faults: list(dice.between(1, 2), () =>
      fault(dice.of(["pause", "pause", "pause", "crash", "isolate"] as const), `server${dice.between(1, servers)}`, {
        at: dice.below(4000),
        lastsMillis: dice.of([1500, 3000, 4500, 4500])
      })
    )
  }
}

/**
 * Servers drain, one after the other, and callers go on asking.
 *
 * @since 0.1.0
 * @category constructors
 */
export const drains: Focus = (dice) => {
  const servers = dice.of([1, 2, 2, 3])
  const fns = dice.of([["merged"], ["merged", "once"], ["streamed", "once"]] as const)
  const between = dice.of([500, 3000])
  return {
    servers: list(servers, () => server()),
    workers: list(dice.between(1, 2), () => worker(fns, dice.between(1, 2))),
    clients: list(2, () => ({
      jobsMax: dice.of([undefined, undefined, 2]),
      calls: callsOf(dice.between(4, 8), () => ({
        at: dice.below(servers * between + 500),
        kind: dice.of(["run", "run", "run", "background", "later", "status"] as const),
        function: dice.of(fns),
        item: dice.below(5),
        takesMillis: dice.of([0, 20, 200, 1000]),
        interruptAfterMillis: dice.oneIn(8) ? dice.between(1, 500) : 0
      }))
    })),
    faults: list(servers, (index) =>
      fault("drain", `server${index + 1}`, {
        at: 100 + index * between + dice.below(200),
        lastsMillis: dice.of([300, 1500, 4000])
      })
    )
  }
}

/**
 * Servers go and come again and again, and everybody is back soon each time.
 *
 * @since 0.1.0
 * @category constructors
 */
export const outages: Focus = (dice) => {
  const servers = dice.between(1, 2)
  const fns = dice.of([["merged"], ["merged", "once"]] as const)
  const kind = dice.of(["crash", "restart"] as const)
  const between = dice.of([4000, 7000])
  return {
    servers: list(servers, () => server()),
    workers: [worker(fns, 2)],
    clients: [
      {
        calls: callsOf(dice.between(4, 8), () => ({
          at: dice.below(3 * between),
          kind: dice.of(["run", "run", "run", "background", "status", "echo"] as const),
          function: dice.of(fns),
          item: dice.below(4),
          takesMillis: dice.of([0, 300]),
          interruptAfterMillis: dice.oneIn(6) ? dice.between(1, 2000) : 0
        }))
      }
    ],
    faults: list(servers, (index) =>
      list(3, (turn) =>
        fault(kind, `server${index + 1}`, {
          at: turn * between + dice.below(500),
          lastsMillis: dice.of([600, 1500, 2500])
        })
      )
    ).flat()
  }
}
