/** Simulations of one's own programs: what a search tells of what it finds. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Client from "../../../src/protocol/Client.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import { type Options, search, SimulationFailure } from "../../../src/sim/Simulation.ts"

const transfer = JobFunction.utf8("transfer", { idempotent: true })
const servers = ["server"]

/** A handler that counts how often it ran; careful ones remember what they have done. */
const options = (isCareful: boolean): Options => ({
  seeds: 200,
  faultyMachines: ["server", "worker"],
  setup: () => {
    const done = new Set<string>()
    let count = 0
    const worker = transfer.toLayer((id) =>
      Effect.sync(() => {
        if (!isCareful || !done.has(id)) count++
        done.add(id)
        return id
      }).pipe(Effect.delay("10 millis"))
    )
    const client = Effect.flatMap(Client.Client, ({ run }) =>
      Effect.forEach(["a", "b"], (id) => Effect.eventually(run(transfer, id)))
    ).pipe(Effect.provide(Client.layer({ servers })))
    return {
      machines: {
        server: JobServer.serve({ address: Network.tcp("server") }),
        worker: Layer.launch(Layer.provide(worker, Worker.layer({ servers }))),
        client
      },
      invariant: () => (count > 2 ? `${count} were done` : undefined),
      pending: () => (done.size === 2 ? undefined : "not everything was done")
    }
  }
})

const failureOf = (run: () => unknown): SimulationFailure => {
  try {
    run()
  } catch (error) {
    assert.instanceOf(error, SimulationFailure)
    return error as SimulationFailure
  }
  throw new Error("nothing failed")
}

describe("a search", () => {
  it("holds what holds, the same way each time", { timeout: 60_000 }, () => {
    const few = { ...options(true), seeds: 20 }
    assert.deepStrictEqual(search(few), search(few))
  })

  it("tells the seed, what is wrong, and no more faults than that takes", { timeout: 60_000 }, () => {
    const failure = failureOf(() => search(options(false)))
    assert.match(
      failure.message,
      /^seed \d+: \d were done \(faults: .*\)\. Run it again with \{ from: \d+, seeds: 1 \}$/
    )
    assert.isAbove(failure.faults.length, 0)
    assert.isAtMost(failure.faults.length, 3)
    const again = failureOf(() => search({ ...options(false), from: failure.seed, seeds: 1 }))
    assert.strictEqual(again.message, failure.message)
  })
})
