/** What campaigns run: the reference mix, and small scenarios about one thing. */
import { assert, describe, it } from "@effect/vitest"
import { drawCampaign } from "../../../src/sim/scenario/focused.ts"
import * as clients from "../../../src/sim/scenario/focused/clients.ts"
import * as moments from "../../../src/sim/scenario/focused/moments.ts"
import * as outages from "../../../src/sim/scenario/focused/outages.ts"
import * as servers from "../../../src/sim/scenario/focused/servers.ts"
import * as sleeping from "../../../src/sim/scenario/focused/sleeping.ts"
import * as workers from "../../../src/sim/scenario/focused/workers.ts"
import { Dice } from "../../../src/sim/scenario/Dice.ts"
import { draw } from "../../../src/sim/scenario/Scenario.ts"

const seeds = Array.from({ length: 300 }, (_, index) => index + 1)

const jobsOf = (scenario: ReturnType<typeof draw>): number =>
  scenario.clients.reduce((sum, { calls }) => sum + calls.length, 0)

describe("scenarios of a campaign", () => {
  it("are the same for the same seed", () => {
    for (const seed of seeds.slice(0, 50)) assert.deepStrictEqual(drawCampaign(seed), drawCampaign(seed))
  })

  it("are the reference mix in a fifth of all seeds", () => {
    const mixed = seeds.filter((seed) => JSON.stringify(drawCampaign(seed)) === JSON.stringify(draw(seed)))
    assert.isAbove(mixed.length, 35)
    assert.isBelow(mixed.length, 90)
  })

  it("are small otherwise, and everybody they name is there", () => {
    for (const scenario of seeds.map(drawCampaign)) {
      if (JSON.stringify(scenario) === JSON.stringify(draw(scenario.seed))) continue
      assert.isBelow(jobsOf(scenario), 30)
      const machines = new Set([
        ...scenario.servers.map((_, index) => `server${index + 1}`),
        ...scenario.workers.map((_, index) => `worker${index + 1}`),
        ...scenario.clients.map((_, index) => `client${index + 1}`),
        ""
      ])
      for (const { node, peer } of scenario.faults) assert.includeMembers([...machines], [node, peer])
    }
  })

  it("have somebody for every function that is called", () => {
    for (const focus of [servers, sleeping, clients, workers, outages, moments].flatMap((all) => Object.values(all))) {
      for (const seed of seeds.slice(0, 50)) {
        const scenario = focus(new Dice(seed))
        const [first] = scenario.workers
        const called = scenario.clients.flatMap(({ calls }) => calls.map((call) => call.function))
        assert.includeMembers([...first!.functions], called)
      }
    }
  })
})
