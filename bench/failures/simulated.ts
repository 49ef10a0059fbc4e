/**
 * One run of a trouble in the simulator: two servers, two workers, a client.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Client from "../../src/protocol/Client.ts"
import * as JobServer from "../../src/protocol/JobServer.ts"
import * as Network from "../../src/protocol/Network.ts"
import * as Worker from "../../src/protocol/Worker.ts"
import { Choices } from "../../src/sim/Choice.ts"
import { hermetically } from "../../src/sim/Hermetic.ts"
import { Dice } from "../../src/sim/scenario/Dice.ts"
import { begin } from "../../src/sim/scenario/faults.ts"
import type { Fault } from "../../src/sim/scenario/Fault.ts"
import { drawWorld } from "../../src/sim/scenario/Scenario.ts"
import { World } from "../../src/sim/World.ts"
import { type Ended, functions, plan, type Run, type Trouble } from "./trouble.ts"

const servers = ["sammy", "kenny"]

const faultsOf = (trouble: Trouble, lastsMillis: number): ReadonlyArray<Fault> => {
  const fault = (kind: Fault["kind"], node: string, peer = "", amount = 0): Fault => ({
    kind,
    at: plan.troubleAtMillis,
    lastsMillis,
    node,
    peer,
    amount
  })
  switch (trouble) {
    case "crash of a server":
      return [fault("crash", "sammy")]
    case "crash of a worker":
      return [fault("crash", "worker1")]
    case "partition":
      return [fault("partition", "sammy", "client")]
    case "half-open connection":
      return [fault("power", "sammy")]
    case "slow server":
      return [fault("delay", "sammy", "client", 400)]
    case "all servers down and back":
      return [fault("crash", "sammy"), fault("crash", "kenny")]
  }
}

export const simulate = (trouble: Trouble, seed: number): Run => {
  const ended: Array<Ended> = []
  let executions = 0
  const { risky, safe } = functions
  const handler = (text: string) =>
    Effect.suspend(() => {
      executions++
      return Effect.delay(Effect.succeed(text), plan.takesMillis)
    })
  const worker = Layer.merge(safe.toLayer(handler), risky.toLayer(handler)).pipe(
    Layer.provide(Worker.layer({ servers, concurrency: 4 })),
    Layer.launch
  )
  const call = Effect.fnUntraced(function* (index: number) {
    const { run } = yield* Client.Client
    const isIdempotent = index % 2 === 0
    yield* Effect.sleep(index * (plan.everyMillis / 2))
    const before = yield* Clock.currentTimeMillis
    const result = yield* Effect.result(run(isIdempotent ? safe : risky, String(index)))
    const tookMillis = (yield* Clock.currentTimeMillis) - before
    ended.push({
      isIdempotent,
      outcome: result._tag === "Success" ? "done" : result.failure.reason._tag,
      tookMillis
    })
  })
  const indexes = Array.from({ length: 2 * plan.jobs }, (_, index) => index)
  const machines: { readonly [name: string]: Effect.Effect<unknown, unknown, Network.Network> } = {
    sammy: JobServer.serve({ address: Network.tcp("sammy") }),
    kenny: JobServer.serve({ address: Network.tcp("kenny") }),
    worker1: worker,
    worker2: worker,
    client: Effect.forEach(indexes, call, { concurrency: "unbounded", discard: true }).pipe(
      Effect.provide(Client.layer({ servers, noServerTimeout: "1 minute" }))
    )
  }
  const dice = new Dice(seed ^ 0x7a11)
  const world = new World(Choices.seeded(seed), drawWorld(dice), {
    got: () => {},
    gave: () => {},
    opened: () => {},
    closed: () => {}
  })
  const { kernel } = world
  const start = (name: string) => world.start(name, machines[name]!)
  for (const name of Object.keys(machines)) start(name)
  for (const fault of faultsOf(trouble, 3000 + (seed % 7) * 2000)) {
    kernel.timer(kernel.world, fault.at + (seed % 500), () => {
      const heal = begin(world, fault, { restart: start, stop: () => {} })
      kernel.timer(kernel.world, fault.lastsMillis, heal)
    })
  }
  hermetically(() => world.run(() => ended.length === indexes.length || kernel.now > 600_000, 2_000_000))
  return { trouble, ended, executions }
}
