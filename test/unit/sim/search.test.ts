/** Simulations of one's own programs: what a search tells of what it finds. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Client from "../../../src/protocol/Client.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import { randomUUID } from "node:crypto"
import { type FaultKind } from "../../../src/sim/scenario/Fault.ts"
import { type Options, search, type Setup, SimulationFailure } from "../../../src/sim/Simulation.ts"

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
    assert.deepStrictEqual(again.trace, failure.trace)
  })

  it("blames no fault for what has failed before it begins", { timeout: 60_000 }, () => {
    const sell = JobFunction.utf8("sell", { idempotent: true })
    const setup = (): Setup => {
      let stock = 2
      let begunAt = 0
      let failedAt = 0
      const worker = Layer.launch(
        sell
          .toLayer(() =>
            Effect.gen(function* () {
              const left = stock
              yield* Effect.sleep("5 millis")
              if (left > 0) stock--
              failedAt = (yield* Clock.currentTimeMillis) - begunAt
              return ""
            })
          )
          .pipe(Layer.provide(Worker.layer({ servers })))
      )
      const client = Effect.flatMap(Client.Client, ({ run }) =>
        Effect.forEach(["ann", "bob", "cy"], (who) => run(sell, who), { concurrency: 3 })
      ).pipe(Effect.provide(Client.layer({ servers })), Effect.ignore)
      const begins = Effect.map(Clock.currentTimeMillis, (millis) => (begunAt = millis))
      return {
        machines: {
          server: JobServer.serve({ address: Network.tcp("server") }),
          one: worker,
          two: worker,
          client: Effect.andThen(begins, client)
        },
        invariant: () => (stock < 0 ? `oversold at ${failedAt}` : undefined),
        pending: () => undefined
      }
    }
    const isLate = ({ faults, message }: SimulationFailure) => {
      const failedAt = Number(/oversold at (\d+)/.exec(message)?.[1])
      return faults.some(({ at }) => at > failedAt)
    }
    let failures = 0
    for (let from = 1; failures < 30; from++) {
      try {
        search({ setup, from, seeds: 1 })
      } catch (error) {
        assert.isFalse(isLate(error as SimulationFailure), (error as SimulationFailure).message)
        failures++
      }
    }
  })

  it("tells what was said on the wire, and when faults began and were over", { timeout: 60_000 }, () => {
    const { faults, trace } = failureOf(() => search(options(false)))
    const text = trace.join("\n")
    assert.match(text, / ms {2}client → server {2}#\d+ {2}SUBMIT_JOB\S* transfer '' a\n/)
    assert.match(text, / ms {2}server → worker {2}#\d+ {2}JOB_ASSIGN\S* \S+ transfer/)
    assert.include(text, ` ${faults[0]!.at} ms  fault: ${faults[0]!.kind} of ${faults[0]!.node}`)
  })
})

/** One call to a handler, and what else is different from a world in which nothing is wrong. */
const world = (handler: (id: string) => Effect.Effect<string>, other: Partial<Setup> = {}): Options => ({
  seeds: 5,
  faultyMachines: ["server"],
  setup: () => {
    let answer: string | undefined
    const client = Effect.flatMap(Client.Client, ({ run }) => Effect.eventually(run(transfer, "a"))).pipe(
      Effect.map((text) => {
        answer = text
      }),
      Effect.provide(Client.layer({ servers }))
    )
    return {
      machines: {
        server: JobServer.serve({ address: Network.tcp("server") }),
        worker: Layer.launch(Layer.provide(transfer.toLayer(handler), Worker.layer({ servers }))),
        client
      },
      pending: () => (answer === undefined ? "there is no answer" : undefined),
      ...other
    }
  }
})

const boom = (): never => {
  throw new TypeError("my own mistake")
}

describe("what is wrong with somebody's programs", () => {
  const leaks: { readonly [name: string]: (id: string) => Effect.Effect<string> } = {
    "Date.now": () => Effect.sync(() => String(Date.now())),
    "Promise.prototype.then": (id) => Effect.promise(() => Promise.resolve(id)),
    "process.hrtime.bigint": () => Effect.sync(() => String(process.hrtime.bigint())),
    "AbortSignal.timeout": () => Effect.sync(() => String(AbortSignal.timeout(1)))
  }
  for (const [name, handler] of Object.entries(leaks)) {
    it(`${name} ends the run at once, and its line is told`, () => {
      const failure = failureOf(() => search(world(handler)))
      assert.match(failure.message, new RegExp(`^seed 1: ${name} was used inside a simulation`))
      assert.match(String((failure.cause as Error).stack), /search\.test\.ts|effect\.js/)
      // Whoever swallows the error would go on for ever.
      assert.isBelow(failure.trace.length, 50)
    })
  }

  it("runs that differ are told", () => {
    const { message } = failureOf(() => search(world(() => Effect.sync(() => randomUUID()))))
    assert.match(message, /^seed 1: runs of this world differ: .*node:crypto/)
  })

  it("what invariant and pending throw is a failure of the seed, and its cause", () => {
    for (const other of [{ invariant: boom }, { pending: boom }]) {
      const failure = failureOf(() => search(world(Effect.succeed, other)))
      assert.match(failure.message, /^seed 1: my own mistake \(faults: /)
      assert.instanceOf(failure.cause, TypeError)
    }
  })

  it("what waits in vain is told with its span", () => {
    const waits = Effect.withSpan(Effect.flatMap(Deferred.make<string>(), Deferred.await), "the handler's own")
    const { message } = failureOf(() => search(world(() => waits)))
    assert.match(
      message,
      /there is no answer, \d+ ms after all faults were over; worker waits in the handler's own \(at /
    )
  })

  it("what goes round without waiting is told as that", { timeout: 60_000 }, () => {
    const { message } = failureOf(() => search(world(() => Effect.forever(Effect.yieldNow))))
    assert.match(message, /there is no answer, after \d+ steps, \d+ ms into the run: something goes round and round/)
  })

  it("a loop that never waits is ended, and told with its machine and seed", { timeout: 120_000 }, () => {
    const endless = Effect.sync((): string => {
      for (let count = 0; ; count++) if (count < 0) return ""
    })
    const { message } = failureOf(() => search(world(() => endless)))
    assert.match(
      message,
      /^seed 1: a step of worker never ends, \d+ ms and \d+ steps into the run: look for a loop that does not wait \(faults: /
    )
  })

  it("options that make no sense are told before anything runs", () => {
    const wrong: ReadonlyArray<readonly [Partial<Options>, RegExp]> = [
      [{ seeds: 0 }, /^seeds takes a whole number from 1 on, not 0$/],
      [{ seeds: Number.NaN }, /^seeds takes a whole number from 1 on, not NaN$/],
      [{ spanMillis: Number.NaN }, /^spanMillis takes a whole number from 1 on, not NaN$/],
      [{ patienceMillis: -1 }, /^patienceMillis takes a whole number from 1 on, not -1$/],
      [{ from: 1.5 }, /^from takes a whole number from 0 on, not 1.5$/],
      [{ faultyMachines: ["servr"] }, /^faultyMachines: there is no servr, only server, worker, client$/],
      [{ faults: ["explode" as FaultKind] }, /^faults: there is no explode, only crash, power, /]
    ]
    for (const [given, message] of wrong) {
      assert.throws(() => search({ ...world(Effect.succeed), ...given }), RangeError, message)
    }
  })
})
