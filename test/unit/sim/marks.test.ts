/** Situations: what a campaign can meet is on the list of what it has to. */
import { assert, it } from "@effect/vitest"
import { checkSeed } from "../../../src/sim/explore/check.ts"
import { allMarks, Marks } from "../../../src/sim/properties/marks.ts"
import { drawCampaign } from "../../../src/sim/scenario/focused.ts"

it("no situation is met that is not on the list, also where a server drains", { timeout: 60_000 }, () => {
  const marks = new Marks()
  let seed = 1
  while (!drawCampaign(seed).faults.some(({ kind }) => kind === "drain")) seed++
  marks.begin()
  checkSeed(seed, 1, { watchers: [marks] })
  assert.include([...marks.hit], "fault drain")
  assert.includeMembers([...allMarks], [...marks.hit])
})
