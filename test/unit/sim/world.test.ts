import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Network from "../../../src/protocol/Network.ts"
import { Choices } from "../../../src/sim/Choice.ts"
import { hermetically } from "../../../src/sim/Hermetic.ts"
import type { Tap } from "../../../src/sim/network/Endpoint.ts"
import { calm, World, type WorldOptions } from "../../../src/sim/World.ts"

const noTap: Tap = { got: () => {}, gave: () => {}, opened: () => {}, closed: () => {} }

const rough: WorldOptions = {
  kernel: { preemptWithin: 16, resumeInTurn: true, hurryOneIn: 50 },
  network: {
    delayBelowMillis: 20,
    cutOneIn: 2,
    partialReadOneIn: 2,
    windowBytes: 7,
    backlog: 2,
    giveUpAfterMillis: 30_000
  }
}

const echo = Effect.gen(function* () {
  const network = yield* Network.Network
  const listener = yield* network.listen(Network.tcp("server"))
  return yield* listener.run((connection) =>
    connection
      .receive((bytes) => connection.send([Uint8Array.from(bytes)]), { pauseAboveBytes: 10 })
      .pipe(Effect.ignore)
  )
}).pipe(Effect.scoped)

/** Sends a text in pieces while reading, and gives what came back. */
const caller = (text: string, done: (back: string) => void) =>
  Effect.gen(function* () {
    const network = yield* Network.Network
    const socket = yield* network.connect(Network.tcp("server"))
    const received = yield* Queue.unbounded<string>()
    const reader = yield* socket.reader
    const writer = yield* socket.writer
    const reading = yield* reader.pull.pipe(
      Effect.flatMap((chunks) =>
        Queue.offerAll(
          received,
          chunks.flatMap((chunk) => [...new TextDecoder().decode(chunk as Uint8Array)])
        )
      ),
      Effect.forever,
      Effect.forkChild
    )
    for (let at = 0; at < text.length; at += 3) yield* writer.write(text.slice(at, at + 3))
    let back = ""
    while (back.length < text.length) back += yield* Queue.take(received)
    yield* Fiber.interrupt(reading)
    done(back)
  }).pipe(Effect.scoped, Effect.retry({ times: 20, while: () => true }))

const simulate = (choices: Choices, options: WorldOptions, text: string) =>
  hermetically(() => {
    const world = new World(choices, options, noTap)
    const back: Array<string> = []
    world.start("server", echo)
    for (const name of ["one", "two", "three"])
      world.start(
        name,
        caller(`${name} ${text}`, (got) => back.push(got))
      )
    world.run(() => back.length === 3, 100_000)
    return { back, hash: choices.hash.digest(), record: choices.record(), world }
  })

describe("the simulated world", () => {
  it("carries every byte in order, however cut, delayed and preempted", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { back } = simulate(Choices.seeded(seed), rough, "the quick brown fox jumps over the lazy dog")
      assert.deepStrictEqual(
        [...back].sort(),
        ["one", "three", "two"].map((name) => `${name} the quick brown fox jumps over the lazy dog`)
      )
    }
  })

  it("gives one seed one trace, and other seeds other traces", () => {
    const hashes = new Set<string>()
    for (let seed = 1; seed <= 30; seed++) {
      const first = simulate(Choices.seeded(seed), rough, "hello")
      const again = simulate(Choices.seeded(seed), rough, "hello")
      const replayed = simulate(Choices.replayed(first.record), rough, "hello")
      assert.strictEqual(first.hash, again.hash)
      assert.strictEqual(first.hash, replayed.hash)
      hashes.add(first.hash)
    }
    assert.strictEqual(hashes.size, 30)
  })

  it("lets nobody feel anything in a calm world but the order of things", () => {
    const { back, world } = simulate(Choices.replayed({}), calm, "hello")
    assert.strictEqual(back.length, 3)
    assert.isBelow(world.kernel.now, 50)
  })

  it("whoever gives up dialling leaves no end open, and opens none that is closed", () => {
    let givenUp = 0
    let connected = 0
    for (let seed = 1; seed <= 300; seed++) {
      const over = new Set<string>()
      const late: Array<string> = []
      const nameOf = ({ connection, host }: { readonly connection: number; readonly host: string }) =>
        `${host} ${connection}`
      const tap: Tap = {
        ...noTap,
        opened: (endpoint) => over.has(nameOf(endpoint)) && late.push(nameOf(endpoint)),
        closed: (endpoint) => over.add(nameOf(endpoint))
      }
      const network = { ...calm.network, delayBelowMillis: 3 }
      const world = new World(Choices.seeded(seed), { ...calm, network }, tap)
      const dialling = Effect.gen(function* () {
        const network = yield* Network.Network
        const socket = yield* network.connect(Network.tcp("server"))
        yield* socket.reader
      })
      hermetically(() => {
        world.start("server", echo)
        world.start(
          "client",
          Effect.timeoutOption(Effect.scoped(dialling), 2).pipe(
            Effect.map((exit) => (exit._tag === "None" ? givenUp++ : connected++)),
            // The program goes on: it does not leave the closing to its end.
            Effect.andThen(Effect.sleep(1000))
          )
        )
        world.run(() => false, 10_000)
      })
      assert.deepStrictEqual(late, [], `seed ${seed}`)
      assert.deepStrictEqual(world.network.openEndpoints(), [], `seed ${seed}`)
    }
    assert.isAbove(givenUp, 50)
    assert.isAbove(connected, 50)
  })
})
