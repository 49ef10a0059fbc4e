import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Network from "../../../src/protocol/Network.ts"
import { Choices } from "../../../src/sim/Choice.ts"
import { hermetically } from "../../../src/sim/Hermetic.ts"
import type { NetworkOptions } from "../../../src/sim/network/Link.ts"
import type { Endpoint, Tap } from "../../../src/sim/network/Endpoint.ts"
import { type Fault, type FaultKind, faultKinds } from "../../../src/sim/scenario/Fault.ts"
import { begin } from "../../../src/sim/scenario/faults.ts"
import { calm, World } from "../../../src/sim/World.ts"

const noTap: Tap = { got: () => {}, gave: () => {}, opened: () => {}, closed: () => {} }

/** A world with a server and a client, and what both say about what they see, with its time. */
const observed = (network: Partial<NetworkOptions> = {}) => {
  const world = new World(
    Choices.seeded(1),
    { ...calm, network: { ...calm.network, giveUpAfterMillis: 20_000, ...network } },
    noTap
  )
  const told: Array<string> = []
  const tell = (text: string) => Effect.sync(() => void told.push(`${world.kernel.now} ${text}`))
  return { world, told, tell }
}

type Observed = ReturnType<typeof observed>

/** Accepts, tells what it gets, and how the connection ends; reads nothing of it where it is deaf. */
const server = ({ tell }: Observed, options: { readonly isDeaf?: boolean } = {}) =>
  Effect.gen(function* () {
    const network = yield* Network.Network
    const listener = yield* network.listen(Network.tcp("server"))
    return yield* listener.run((connection) =>
      options.isDeaf === true
        ? Effect.never
        : connection
            .receive((bytes) => Effect.runSync(tell(`server got ${bytes.length}`)), { pauseAboveBytes: 1e6 })
            .pipe(
              Effect.matchEffect({
                onFailure: (error) => tell(`server: ${String(error.reason.cause)}`),
                onSuccess: () => tell("server: end")
              })
            )
    )
  }).pipe(Effect.scoped)

/** Dials, writes so much, and waits for the end. */
const client = ({ tell }: Observed, bytes: number, holdMillis = 1_000_000) =>
  Effect.gen(function* () {
    const network = yield* Network.Network
    const socket = yield* network.connect(Network.tcp("server"))
    const reader = yield* socket.reader
    const writer = yield* socket.writer
    yield* tell("client connected")
    if (bytes > 0) yield* writer.write(new Uint8Array(bytes))
    yield* tell("client wrote")
    yield* Effect.timeoutOption(Effect.forever(reader.pull), holdMillis)
  }).pipe(
    Effect.scoped,
    Effect.matchEffect({
      onFailure: (error) => tell(`client: ${String("cause" in error.reason ? error.reason.cause : error.reason._tag)}`),
      onSuccess: () => tell("client done")
    })
  )

const at = (world: World, millis: number, act: () => void) => world.kernel.timer(world.kernel.world, millis, act)

/** Begins a fault at a time, and heals it after another. */
const fault = (world: World, kind: FaultKind, from: number, lastsMillis: number, where: Partial<Fault> = {}) =>
  at(world, from, () => {
    const power = { restart: () => {}, stop: (name: string) => world.node(name).stop() }
    const heal = begin(
      world,
      { kind, at: from, lastsMillis, node: "server", peer: "client", amount: 0, ...where },
      power
    )
    at(world, lastsMillis, heal)
  })

const run = (world: World, millis: number) => hermetically(() => world.run(() => world.kernel.now > millis, 20_000))

describe("the network", () => {
  it("knows at least 16 kinds of fault", () => {
    assert.isAtLeast(new Set(faultKinds).size, 16)
  })

  it("an end comes after all bytes; a reset overtakes them", () => {
    const ended = observed()
    ended.world.start("server", server(ended))
    ended.world.start("client", client(ended, 1000, 50))
    run(ended.world, 100)
    assert.deepStrictEqual(ended.told.slice(-3), ["0 server got 1000", "50 client done", "50 server: end"])

    // The window lets half of it through; the rest leaves when that is read, and never arrives.
    const reset = observed({ windowBytes: 500, delayBelowMillis: 2 })
    reset.world.start("server", server(reset))
    reset.world.start("client", client(reset, 1000, 500))
    reset.world.kernel.afterStep = () => {
      if (!reset.told.some((text) => text.endsWith("server got 500"))) return
      reset.world.kernel.afterStep = undefined
      fault(reset.world, "reset", 0, 1)
    }
    run(reset.world, 1000)
    const told = reset.told.join("\n")
    assert.strictEqual(reset.told.filter((text) => text.includes("server got")).length, 1)
    assert.include(told, "server: Broken: ECONNRESET")
    assert.include(told, "client: Broken: ECONNRESET")
  })

  it("whoever lets go of a connection hears nothing more of it", () => {
    const endpoints: Array<Endpoint> = []
    const world = new World(Choices.seeded(1), calm, { ...noTap, opened: (endpoint) => endpoints.push(endpoint) })
    const seen = { ...observed(), world }
    world.start("server", server(seen))
    world.start("client", client(seen, 10))
    const told: Array<string> = []
    at(world, 50, () => {
      assert.strictEqual(endpoints.length, 2)
      for (const endpoint of endpoints) {
        endpoint.onReadable = () => told.push(`${endpoint.host} may read`)
        endpoint.onWritable = () => told.push(`${endpoint.host} may write`)
        endpoint.notifyReadable()
        endpoint.notifyWritable()
      }
      // What it was to be told is under way by now.
      endpoints.find(({ host }) => host === "client")!.close(true)
    })
    run(world, 1000)
    assert.sameMembers([...new Set(told)], ["server may read", "server may write"])
  })

  it("a program that dies has its connections closed; who has unread bytes sees a reset", () => {
    const seen = observed()
    seen.world.start("server", server(seen, { isDeaf: true }))
    seen.world.start("client", client(seen, 1000))
    fault(seen.world, "crash", 50, 1)
    run(seen.world, 100)
    assert.deepStrictEqual(seen.told.at(-1), "50 client: Broken: ECONNRESET: the peer reset the connection")
  })

  it("nobody hears of lost power: the connection stays half open until it is given up", () => {
    const seen = observed()
    seen.world.start("server", server(seen))
    seen.world.start("client", client(seen, 10))
    fault(seen.world, "power", 50, 1)
    run(seen.world, 30_000)
    assert.deepStrictEqual(seen.told.at(-1), "20050 client: Broken: ETIMEDOUT: the peer did not answer")
  })

  it("what is on its way when the link breaks arrives once it is whole again, in either direction alone", () => {
    for (const kind of ["partition", "oneway", "isolate", "swizzle"] as const) {
      const seen = observed()
      seen.world.start("server", server(seen))
      seen.world.start("client", Effect.andThen(Effect.sleep(100), client(seen, 10)))
      const where = kind === "oneway" ? { node: "client", peer: "server" } : {}
      fault(seen.world, kind, 50, 5000, where)
      run(seen.world, 10_000)
      assert.include(seen.told.join("\n"), "5050 server got 10", kind)
    }
  })

  it("dialling is refused, not answered, or finds no such name", () => {
    const endings = { refuse: "ECONNREFUSED", hang: "ETIMEDOUT", nameless: "ENOTFOUND" } as const
    for (const kind of ["refuse", "hang", "nameless"] as const) {
      const seen = observed()
      seen.world.start("server", server(seen))
      fault(seen.world, kind, 0, 60_000)
      seen.world.start("client", Effect.andThen(Effect.sleep(10), client(seen, 10)))
      run(seen.world, 30_000)
      assert.match(seen.told.join("\n"), new RegExp(`^\\d+ client: .*${endings[kind]}`), kind)
    }
    const nobody = observed()
    nobody.world.node("server")
    nobody.world.start("client", client(nobody, 10))
    run(nobody.world, 30_000)
    assert.match(nobody.told.join("\n"), /client: .*ECONNREFUSED/)
  })

  it("whoever finds the backlog full waits outside, and comes in when there is room", () => {
    const seen = observed({ backlog: 1 })
    seen.world.start("server", server(seen))
    at(seen.world, 1, () => seen.world.node("server").pause())
    for (const name of ["one", "two", "three"]) {
      seen.world.start(name, Effect.andThen(Effect.sleep(10), client(seen, 10)))
    }
    at(seen.world, 500, () => seen.world.node("server").resume())
    run(seen.world, 2000)
    const connected = seen.told.filter((text) => text.endsWith("client connected")).map((text) => Number.parseInt(text))
    assert.strictEqual(connected[0], 10)
    assert.isAtLeast(connected[1]!, 1000)
    assert.strictEqual(seen.told.filter((text) => text.includes("server got 10")).length, 3)
  })

  it("who reads slowly makes the other side wait: no more is on its way than the window holds", () => {
    const seen = observed({ windowBytes: 1000, delayBelowMillis: 3 })
    seen.world.start("server", server(seen))
    seen.world.start("client", client(seen, 100_000))
    fault(seen.world, "slow", 20, 500)
    run(seen.world, 2000)
    const reads = seen.told
      .filter((text) => text.includes("server got"))
      .map((text) => ({ at: Number.parseInt(text), bytes: Number(text.split(" ").at(-1)) }))
    assert.isAbove(reads.length, 99)
    assert.strictEqual(
      reads.reduce((sum, { bytes }) => sum + bytes, 0),
      100_000
    )
    assert.isTrue(reads.some((read) => read.at < 20) && reads.some((read) => read.at > 520))
    assert.isFalse(reads.some((read) => read.at > 20 && read.at < 520))
    const wrote = Number.parseInt(seen.told.find((text) => text.endsWith("client wrote"))!)
    assert.isAbove(wrote, 520, "the writer is made to wait")
  })

  it("cuts and glues bytes anywhere, and loses none", () => {
    const sizes = new Set<number>()
    for (let seed = 1; seed <= 20; seed++) {
      const seen = observed({ cutOneIn: 2, partialReadOneIn: 2, delayBelowMillis: 20 })
      const world = new World(Choices.seeded(seed), { ...calm, network: seen.world.network.options }, noTap)
      const again = { ...seen, world }
      world.start("server", server(again))
      world.start("client", client(again, 300, 5000))
      run(world, 6000)
      const got = seen.told.filter((text) => text.includes("server got")).map((text) => Number(text.split(" ").at(-1)))
      assert.strictEqual(
        got.reduce((sum, size) => sum + size, 0),
        300
      )
      for (const size of got) sizes.add(size)
    }
    assert.isAbove(sizes.size, 10)
  })
})
