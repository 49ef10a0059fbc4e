import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { Choices } from "../../../src/sim/Choice.ts"
import { worldBeginsMillis } from "../../../src/sim/Clock.ts"
import { hermetically } from "../../../src/sim/Hermetic.ts"
import type { KernelOptions } from "../../../src/sim/Kernel.ts"
import type { Tap } from "../../../src/sim/network/Endpoint.ts"
import { draw } from "../../../src/sim/scenario/Scenario.ts"
import { calm, World } from "../../../src/sim/World.ts"

const noTap: Tap = { got: () => {}, gave: () => {}, opened: () => {}, closed: () => {} }

const worldOf = (seed: number, kernel: Partial<KernelOptions> = {}) =>
  new World(Choices.seeded(seed), { ...calm, kernel: { ...calm.kernel, ...kernel } }, noTap)

const run = (world: World, until: () => boolean = () => false) => hermetically(() => world.run(until, 10_000))

/** Does something at a time, as faults do. */
const at = (world: World, millis: number, act: () => void) => world.kernel.timer(world.kernel.world, millis, act)

describe("the kernel", () => {
  it("tells a fiber that waits for what no timer, task or connection brings, by its span", () => {
    const world = worldOf(1)
    const never = Effect.callback<void>(() => {}).pipe(Effect.withSpan("waiting for Godot"))
    const ask = Effect.fn("ask")(() => never)
    world.start("stuck", ask())
    world.start("asleep", Effect.sleep(1_000_000).pipe(Effect.withSpan("sleeping")))
    world.start("done", Effect.void)
    run(world, () => world.kernel.isIdle())
    const [leak, ...others] = world.leaks()
    assert.match(leak ?? "", /stuck, which waits in waiting for Godot.* ← ask/)
    assert.deepStrictEqual(others, [])
  })

  it("tells all fibers of a stuck program, and none that has ended", () => {
    const world = worldOf(1)
    const program = Effect.gen(function* () {
      const never = yield* Deferred.make<void>()
      const short = yield* Effect.forkChild(Effect.void.pipe(Effect.withSpan("short")))
      yield* Fiber.join(short)
      yield* Effect.forkDetach(Deferred.await(never).pipe(Effect.withSpan("left behind")))
      yield* Deferred.await(never)
    })
    world.start("stuck", program.pipe(Effect.withSpan("main")))
    run(world)
    const [leak] = world.leaks()
    assert.include(leak, "left behind")
    assert.include(leak, "main")
    assert.notInclude(leak, "short")
  })

  it("tells what an ended program leaves behind: not what is told to end and on its way (seed 678407901)", () => {
    const world = worldOf(1)
    const left = Effect.tap(Effect.forkDetach(Effect.uninterruptible(Effect.never)), Effect.yieldNow)
    world.start("untold", left)
    world.start(
      "told",
      Effect.map(left, (fiber) => fiber.interruptUnsafe())
    )
    run(world, () => world.kernel.isIdle())
    const leftBehind = (name: string) => world.node(name).incarnation.leftBehind().length
    assert.deepStrictEqual([leftBehind("untold"), leftBehind("told")], [1, 0])
  })

  it("preempts at any operation: two fibers that count see every way of meeting", () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 4000; seed++) {
      const world = worldOf(seed, { preemptWithin: 2 + (seed % 4), resumeInTurn: seed % 3 === 0 })
      let order = ""
      const says = (letter: string) =>
        Effect.gen(function* () {
          for (let index = 0; index < 3; index++) yield* Effect.sync(() => (order += letter))
        })
      world.start("node", Effect.all([says("a"), says("b")], { concurrency: "unbounded" }))
      run(world)
      seen.add(order)
    }
    // All 20 orders of three and three.
    assert.strictEqual(seen.size, 20)
  })

  it("preempts in at least half of the seeds", () => {
    const seeds = Array.from({ length: 400 }, (_, index) => draw(index + 1))
    const preempted = seeds.filter(({ world }) => world.kernel.preemptWithin > 0 || world.kernel.resumeInTurn)
    assert.isAtLeast(preempted.length, 200)
    assert.isAtLeast(seeds.filter(({ world }) => world.kernel.preemptWithin > 0).length, 200)
  })

  it("a crash runs no finalizer and ends all that was to come; a stop runs them all", () => {
    const said: Array<string> = []
    const program = (name: string) =>
      Effect.sleep(50).pipe(
        Effect.andThen(Effect.sync(() => said.push(`${name} woke`))),
        Effect.ensuring(Effect.sync(() => said.push(`${name} finalized`)))
      )
    const world = worldOf(1)
    for (const name of ["crashed", "stopped", "left"]) world.start(name, program(name))
    at(world, 10, () => world.node("crashed").crash())
    at(world, 10, () => world.node("stopped").stop())
    run(world)
    assert.deepStrictEqual(said, ["stopped finalized", "left woke", "left finalized"])
    assert.strictEqual(world.node("crashed").state, "crashed")
    assert.strictEqual(world.node("stopped").state, "ended")
  })

  it("a paused program stands still, timers and all, and catches up afterwards", () => {
    const said: Array<string> = []
    const ticks = (world: World, name: string) =>
      Effect.gen(function* () {
        for (let index = 1; index <= 3; index++) {
          yield* Effect.sleep(10)
          said.push(`${name} ${index} at ${world.kernel.now}`)
        }
      })
    const world = worldOf(1)
    world.start("paused", ticks(world, "paused"))
    world.start("free", ticks(world, "free"))
    at(world, 15, () => world.node("paused").pause())
    at(world, 100, () => world.node("paused").resume())
    run(world)
    assert.sameMembers(said, [
      "paused 1 at 10",
      "free 1 at 10",
      "free 2 at 20",
      "free 3 at 30",
      "paused 2 at 100",
      "paused 3 at 110"
    ])
  })

  it("each machine has its own clock: set, skewed, fast and slow; what is measured only goes on", () => {
    const world = worldOf(1)
    const told: { [name: string]: { readonly wall: number; readonly monotonic: number; readonly now: number } } = {}
    const program = (name: string) =>
      Effect.gen(function* () {
        const begun = yield* Clock.Clock.use((clock) => clock.monotonicTimeNanos)
        yield* Effect.sleep(1000)
        const wall = yield* Clock.currentTimeMillis
        const ended = yield* Clock.Clock.use((clock) => clock.monotonicTimeNanos)
        told[name] = { wall: wall - worldBeginsMillis, monotonic: Number(ended - begun) / 1e6, now: world.kernel.now }
      })
    for (const name of ["right", "skewed", "fast", "slow", "jumping"]) world.node(name)
    world.node("skewed").clock.skewMillis = 3_600_000
    world.node("fast").clock.drift(0, 100)
    world.node("slow").clock.drift(0, -200)
    at(world, 500, () => (world.node("jumping").clock.skewMillis -= 60_000))
    for (const name of world.nodes.keys()) world.start(name, program(name))
    run(world)
    assert.deepStrictEqual(told["right"], { wall: 1000, monotonic: 1000, now: 1000 })
    assert.deepStrictEqual(told["skewed"], { wall: 3_601_000, monotonic: 1000, now: 1000 })
    assert.strictEqual(told["fast"]!.now, 910)
    assert.strictEqual(told["slow"]!.now, 1250)
    assert.deepStrictEqual(told["jumping"], { wall: -59_000, monotonic: 1000, now: 1000 })
  })

  it("a machine's clocks go on from where they are, also across a crash", () => {
    const world = worldOf(1)
    const read: Array<readonly [wall: number, monotonic: number]> = []
    const program = Effect.sync(() => {
      const clock = world.node("machine").clock
      read.push([clock.wallMillis(world.kernel.now) - worldBeginsMillis, clock.read(world.kernel.now)])
    }).pipe(Effect.andThen(Effect.never))
    world.node("machine").clock.skewMillis = 60_000
    world.node("machine").clock.drift(0, 500)
    world.start("machine", program)
    at(world, 1000, () => {
      world.node("machine").crash()
      world.start("machine", program)
    })
    run(world)
    assert.deepStrictEqual(read, [
      [60_000, 0],
      [61_500, 1500]
    ])
  })

  it("draws chance for each machine and start by itself, and the same for the same seed", () => {
    const numbersOf = (seed: number) => {
      const world = worldOf(seed)
      const numbers: Array<number> = []
      const program = Effect.map(Random.nextInt, (number) => numbers.push(number))
      world.start("one", program)
      world.start("other", program)
      run(world)
      world.start("one", program)
      run(world)
      return numbers
    }
    assert.strictEqual(new Set(numbersOf(1)).size, 3)
    assert.deepStrictEqual(numbersOf(1), numbersOf(1))
    assert.notDeepEqual(numbersOf(1), numbersOf(2))
  })

  it("lets a timer fire while tasks are ready, where time is not to be relied on", () => {
    let early = 0
    for (let seed = 1; seed <= 100; seed++) {
      const world = worldOf(seed, { preemptWithin: 4, hurryOneIn: 4 })
      let steps = 0
      const busy = Effect.forEach(Array.from({ length: 20 }), () => Effect.sync(() => steps++))
      world.start("busy", busy)
      at(world, 60_000, () => {
        if (steps < 20) early++
      })
      run(world)
      assert.strictEqual(steps, 20)
    }
    assert.isAbove(early, 20)
    assert.isBelow(early, 100)
  })

  it("runs timers in any order where they are untimed, none early and each once, and draws no other runs", () => {
    const orders = new Set<string>()
    for (let seed = 1; seed <= 300; seed++) {
      const world = worldOf(seed, { untimed: true })
      let order = ""
      for (const [letter, millis] of Object.entries({ a: 10, b: 5000, c: 90_000 })) {
        at(world, millis, () => {
          order += letter
          assert.isAtLeast(world.kernel.now, millis)
        })
      }
      const cancelled = at(world, 1, () => (order += "never"))
      world.kernel.cancel(cancelled)
      run(world)
      assert.strictEqual(world.kernel.now, 90_000)
      orders.add(order)
    }
    assert.sameMembers([...orders], ["abc", "acb", "bac", "bca", "cab", "cba"])
  })

  it("fires an untimed timer at any point after it is set, beside tasks that are ready", () => {
    const points = new Set<number>()
    for (let seed = 1; seed <= 300; seed++) {
      const world = worldOf(seed, { untimed: true })
      let steps = 0
      const go = () => {
        if (++steps < 4) world.kernel.schedule(world.kernel.world, go)
      }
      world.kernel.schedule(world.kernel.world, go)
      at(world, 60_000, () => points.add(steps))
      run(world)
      assert.strictEqual(steps, 4)
    }
    assert.sameMembers([...points], [0, 1, 2, 3, 4])
  })

  it("keeps a paused machine's timers back also where they are untimed", () => {
    const world = worldOf(1, { untimed: true })
    const said: Array<string> = []
    world.start("paused", Effect.sleep(10).pipe(Effect.andThen(Effect.sync(() => said.push("paused")))))
    run(world, () => world.node("paused").incarnation.timers === 1)
    world.node("paused").pause()
    at(world, 50, () => said.push("free"))
    run(world)
    assert.deepStrictEqual(said, ["free"])
    world.node("paused").resume()
    run(world)
    assert.deepStrictEqual(said, ["free", "paused"])
  })
})
