/** What is kept of a failing run: short, readable, and good for later versions of the code. */
import { assert, describe, it } from "@effect/vitest"
import { Choices } from "../../../src/sim/Choice.ts"
import { fromFile, fromOutcome, replay, toFile } from "../../../src/sim/explore/Finding.ts"
import { fewerMachines, healedEarly, isFair, kindsOfParts } from "../../../src/sim/explore/smaller.ts"
import { packetCount, trace } from "../../../src/sim/explore/trace.ts"
import type { Moment } from "../../../src/sim/properties/History.ts"
import { compact, complete, oddities } from "../../../src/sim/scenario/plain.ts"
import { simulate } from "../../../src/sim/scenario/run.ts"
import { draw } from "../../../src/sim/scenario/Scenario.ts"

const seeds = Array.from({ length: 200 }, (_, index) => index + 1)

describe("a scenario without its dull values", () => {
  it("is shorter, and comes back whole", () => {
    for (const seed of seeds) {
      const scenario = draw(seed)
      assert.deepStrictEqual(
        complete(JSON.parse(JSON.stringify(compact(scenario)))),
        JSON.parse(JSON.stringify(scenario))
      )
    }
    const lengths = seeds.map((seed) => JSON.stringify(compact(draw(seed))).length / JSON.stringify(draw(seed)).length)
    assert.isBelow(lengths.reduce((sum, one) => sum + one) / lengths.length, 0.8)
  })

  it("says how long a fault lasts, also for ever", () => {
    const [fault] = complete({ faults: [{ kind: "crash", node: "server1", lastsMillis: 0 }] }).faults
    assert.deepStrictEqual(fault, { kind: "crash", at: 0, lastsMillis: 0, node: "server1", peer: "", amount: 0 })
    assert.deepStrictEqual(compact(complete({ faults: [fault] }))["faults"], [
      { kind: "crash", lastsMillis: 0, node: "server1" }
    ])
  })
})

describe("a finding's file", () => {
  const outcome = simulate(draw(8), Choices.seeded(8))
  const finding = { ...fromOutcome(outcome), bug: "none" }

  it("replays as the run it was made of", () => {
    const read = fromFile(toFile(finding))
    assert.strictEqual(read.bug, "none")
    assert.strictEqual(replay(read).hash, outcome.hash)
  })

  it("is read although the code asks and says other things by now", () => {
    const { scenario, ...rest } = JSON.parse(toFile(finding)) as { scenario: object }
    const older = { ...rest, scenario: { ...scenario, weather: "fair" } }
    assert.strictEqual(replay(fromFile(JSON.stringify(older))).hash, outcome.hash)
    // A label that nobody asks for any more, and others without answers.
    const choices = { ...finding.choices, forgotten: [3, 1, 4, 1] }
    assert.strictEqual(replay({ scenario: finding.scenario, choices }).hash, outcome.hash)
    const { run: _run, ...fewer } = finding.choices
    assert.isUndefined(replay({ scenario: finding.scenario, choices: fewer }).failure)
    const bare = fromFile(
      `{"scenario":{"servers":[{}],"clients":[{"calls":[{}]}],"workers":[{"functions":["merged"]}]}}`
    )
    const { failure, succeeded } = replay(bare)
    assert.isUndefined(failure)
    assert.strictEqual(succeeded, 1)
  })
})

describe("smaller scenarios", () => {
  it("lack what is left out, and nothing else", () => {
    for (const seed of seeds) {
      const scenario = draw(seed)
      for (const kind of kindsOfParts) {
        const count = kind.count(scenario)
        assert.deepStrictEqual(
          kind.without(scenario, () => false),
          scenario
        )
        if (count === 0) continue
        const one = kind.without(scenario, (index) => index === 0)
        assert.strictEqual(kind.count(one), count - 1)
        assert.strictEqual(kind.count(kind.without(scenario, () => true)), 0)
      }
    }
  })

  it("are dull once nothing is odd about them", () => {
    for (const seed of seeds) {
      const scenario = draw(seed)
      const odd = kindsOfParts.at(-1)!
      assert.deepStrictEqual(oddities(odd.without(scenario, () => true)), [])
    }
  })

  it("name machines that are there", () => {
    for (const seed of seeds) {
      const scenario = draw(seed)
      for (const cut of fewerMachines(scenario)) {
        const { clients, faults, peers, servers, workers } = cut(scenario)
        const counts: { readonly [role: string]: number } = {
          server: servers.length,
          worker: workers.length,
          client: clients.length
        }
        for (const name of faults.flatMap((fault) => [fault.node, fault.peer]).filter((text) => text !== "")) {
          assert.isAtMost(Number(name.slice(6)), counts[name.slice(0, 6)]!)
        }
        assert.isTrue(isFair(scenario))
        assert.isTrue(
          servers.length === 0 || peers.every(({ server }) => server <= servers.length || !isFair(cut(scenario)))
        )
      }
    }
  })

  it("are fair as long as somebody can do all that is asked for", () => {
    const scenario = complete({
      servers: [{}],
      workers: [{ functions: ["once"] }],
      clients: [{ calls: [{ function: "once" }] }]
    })
    assert.isTrue(isFair(scenario))
    assert.isFalse(isFair({ ...scenario, workers: [] }))
    assert.isFalse(isFair({ ...scenario, servers: [] }))
    const lost = (node: string) => complete({ faults: [{ kind: "pause", node, lastsMillis: 0 }] }).faults
    assert.isTrue(isFair({ ...scenario, faults: lost("client1") }))
    assert.isFalse(isFair({ ...scenario, faults: lost("worker1") }))
    assert.isFalse(isFair({ ...scenario, faults: lost("server1") }))
    assert.isFalse(isFair({ ...scenario, workers: [{ functions: ["once"], slots: 1, changesAt: 5 }] }))
    assert.isFalse(isFair({ ...scenario, workers: [{ functions: ["merged"], slots: 1, changesAt: 0 }] }))
  })

  it("are over when their last fault is", () => {
    const fault = { kind: "crash", node: "server1", at: 10, lastsMillis: 20 }
    assert.strictEqual(healedEarly(complete({ healsAt: 9000, faults: [fault] })).healsAt, 30)
    assert.strictEqual(healedEarly(complete({ healsAt: 20, faults: [fault] })).healsAt, 20)
  })
})

describe("a trace", () => {
  const packet = (name: "ECHO_REQ" | "GRAB_JOB" | "SUBMIT_JOB_BG", atServer: boolean, got: boolean): Moment => ({
    at: 5,
    event: {
      _tag: "Packet",
      node: atServer ? "server1" : "worker1",
      connection: 3,
      atServer,
      got,
      name,
      fields: name === "SUBMIT_JOB_BG" ? ["f", "", "w"] : name === "ECHO_REQ" ? [""] : []
    }
  })
  const opened: Moment = { at: 1, event: { _tag: "Opened", node: "worker1", connection: 3, atServer: false } }
  const moments = [
    opened,
    packet("SUBMIT_JOB_BG", false, false),
    packet("SUBMIT_JOB_BG", true, true),
    packet("ECHO_REQ", true, true),
    packet("GRAB_JOB", true, true),
    packet("ECHO_REQ", true, true),
    packet("ECHO_REQ", true, true)
  ]

  it("has each packet once, with who said it to whom", () => {
    assert.deepStrictEqual(trace(moments), [
      "       5 ms  worker1 → server1  #3  SUBMIT_JOB_BG f '' w",
      "       5 ms  worker1 → server1  #3  ECHO_REQ ''",
      "       5 ms  worker1 → server1  #3  GRAB_JOB ",
      "       5 ms  nothing more until now, but for ECHO over idle connections"
    ])
    assert.strictEqual(packetCount(moments), 3)
  })

  it("has each line of text once, too", () => {
    const line = (atServer: boolean): Moment => ({
      at: 6,
      event: {
        _tag: "Line",
        node: atServer ? "server1" : "worker1",
        connection: 3,
        atServer,
        got: atServer,
        name: "TEXT",
        fields: ["status"]
      }
    })
    assert.deepStrictEqual(trace([opened, line(false), line(true)]), [
      "       6 ms  worker1 → server1  #3  TEXT status"
    ])
  })

  it("has everything, if that is asked for", () => {
    assert.strictEqual(trace(moments, { everything: true }).length, moments.length)
  })
})
