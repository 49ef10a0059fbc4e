/** What must happen in the end: with everything healed, and with a core healed and the rest broken for ever. */
import { assert, describe, it } from "@effect/vitest"
import { Choices } from "../../../src/sim/Choice.ts"
import { complete } from "../../../src/sim/scenario/plain.ts"
import { simulate } from "../../../src/sim/scenario/run.ts"
import { draw, type Scenario } from "../../../src/sim/scenario/Scenario.ts"

const calls = Array.from({ length: 6 }, (_, index) => ({
  at: index * 400,
  function: index % 2 === 0 ? "merged" : "streamed",
  item: index,
  takesMillis: 300
}))

/** Two of each, and one of each kind broken for ever in the middle of the work. */
const broken = (kind: string, ...nodes: ReadonlyArray<string>): Scenario =>
  complete({
    servers: [{}, {}],
    workers: [{ functions: ["merged", "streamed"] }, { functions: ["merged", "streamed"] }],
    clients: [{ calls }, { calls }],
    faults: nodes.map((node) => ({ kind, node, at: 500, lastsMillis: 0 })),
    healsAt: 3000,
    world: { network: { giveUpAfterMillis: 20_000 } }
  })

describe("a core of machines", () => {
  for (const kind of ["crash", "power", "isolate", "pause"]) {
    it(`gets everything done though others are broken for ever: ${kind}`, () => {
      for (let seed = 1; seed <= 10; seed++) {
        const { answered, failure, succeeded } = simulate(
          broken(kind, "server2", "worker2", "client2"),
          Choices.seeded(seed)
        )
        assert.isUndefined(failure, failure?.message)
        assert.isAtLeast(answered, 6)
        assert.isAtLeast(succeeded, 6)
      }
    })
  }

  it("is drawn for some seeds, and has what it needs", () => {
    const losses = Array.from({ length: 1000 }, (_, seed) => draw(seed)).map(
      ({ clients, faults, servers, workers }) => {
        const lost = new Set(faults.filter(({ lastsMillis }) => lastsMillis === 0).map(({ node }) => node))
        const left = (role: string, { length }: { readonly length: number }) =>
          Array.from({ length }, (_, index) => `${role}${index + 1}`).filter((name) => !lost.has(name)).length
        assert.isAbove(left("server", servers), 0)
        assert.isAbove(left("client", clients), 0)
        assert.isAbove(left("worker", workers), 0)
        assert.isFalse(lost.has("worker1"))
        return lost.size
      }
    )
    assert.isAbove(losses.filter((size) => size > 0).length, 50)
  })

  it("is told from the rest, and what everybody is doing, when something is missing", () => {
    const { failure } = simulate(broken("pause", "worker1", "worker2"), Choices.seeded(1))
    // Jobs that nobody has taken have no excuse, whoever stands still.
    assert.match(
      String(failure),
      /property 36: every caller is answered: not so \d+ ms into the run, since caller \d+ at client\d waits for/
    )
    assert.match(
      String(failure),
      /server1 running: \d+ jobs? queued, \d+ running, 4 connections, 2 workers, \d asleep, \d of them woken/
    )
    assert.match(String(failure), /worker1 paused/)
    assert.match(String(failure), /client1 running: \d callers? waits?, #\d+ to server1 open, #\d+ to server2 open/)
  })

  it("is not blamed for the jobs that somebody holds who stands still", () => {
    const scenario = broken("pause", "worker2")
    const held = { ...scenario, workers: [scenario.workers[0]!, { ...scenario.workers[1]!, slots: 5 }] }
    for (let seed = 1; seed <= 10; seed++) assert.isUndefined(simulate(held, Choices.seeded(seed)).failure)
  })
})

describe("a background job that was accepted", () => {
  const world = (workers: ReadonlyArray<object>) =>
    complete({
      servers: [{}],
      workers,
      clients: [{ calls: [{ at: 10, function: "streamed", item: 1, kind: "background", takesMillis: 20 }] }],
      healsAt: 1000
    })

  it("ends where somebody can do it", () => {
    const { failure, succeeded } = simulate(world([{ functions: ["streamed"] }]), Choices.seeded(1))
    assert.isUndefined(failure, failure?.message)
    assert.strictEqual(succeeded, 1)
  })

  it("is missed where it never does, and it is said where it waits", () => {
    const { failure } = simulate(world([{ functions: ["merged"] }]), Choices.seeded(1))
    assert.match(
      String(failure),
      /property 45: every job is done: not so \d+ ms into the run, since H:\S+ of server1, a job of streamed, is queued/
    )
  })
})

describe("faults that wait for their moment", () => {
  const world = (fault: object) =>
    complete({
      servers: [{}],
      workers: [{ functions: ["streamed"] }],
      clients: [{ calls: [0, 1, 2].map((item) => ({ at: item * 100, function: "streamed", item, takesMillis: 20 })) }],
      faults: [{ nth: 2, lastsMillis: 50, ...fault }],
      healsAt: 5000
    })

  const told = (fault: object) => {
    const { failure, moments, succeeded } = simulate(world(fault), Choices.seeded(1), { keepHistory: true })
    assert.isUndefined(failure, failure?.message)
    assert.strictEqual(succeeded, 3)
    const tags = moments.map(({ event }) => event._tag)
    const at = tags.indexOf("Fault")
    return { before: tags.slice(0, at), began: tags.filter((tag) => tag === "Began").length, tags }
  }

  it("come when a handler has begun, and has not ended", () => {
    const { before, began } = told({ kind: "crash", node: "worker1", on: "Began" })
    assert.strictEqual(before.filter((tag) => tag === "Began").length, 2)
    assert.strictEqual(before.filter((tag) => tag === "Finished").length, 1)
    assert.strictEqual(began, 4)
  })

  it("come to the server whose job it is, or to the connection over which it came", () => {
    for (const fault of [
      { kind: "crash", node: "server1", on: "Began" },
      { kind: "reset", node: "worker1", peer: "server1", on: "Finished" }
    ]) {
      const { before } = told(fault)
      assert.isAtLeast(before.filter((tag) => tag === "Began").length, 2)
    }
  })

  it("never come without it", () => {
    assert.notInclude(told({ kind: "crash", node: "worker1", on: "Began", nth: 9 }).tags, "Fault")
  })
})
