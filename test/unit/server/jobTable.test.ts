/** Jobs by number: the same as in a map, whatever is added and taken away, and no page is left behind. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Handles } from "../../../src/protocol/server/Handles.ts"
import type { Job } from "../../../src/protocol/server/Job.ts"
import { JobTable } from "../../../src/protocol/server/JobTable.ts"

const jobOf = (number: number) => ({ number }) as Job
const emptyTable = () => new JobTable(new Handles("H", false), 4096)

describe("the table of jobs", () => {
  it("holds what a map would hold", () => {
    // Each step adds so many jobs and takes away some of those there are, or of those there are not.
    const step = fc.record({ added: fc.nat(150), taken: fc.array(fc.nat(1000), { maxLength: 150 }) })
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.array(step, { maxLength: 8 }), (first, steps) => {
        const [table, map] = [emptyTable(), new Map<number, Job>()]
        let number = first
        for (const { added, taken } of steps) {
          for (let count = 0; count < added; count++) {
            const job = jobOf(number++)
            table.add(job)
            map.set(job.number, job)
          }
          for (const back of taken) {
            table.delete(number - back)
            map.delete(number - back)
          }
          assert.strictEqual(table.size, map.size)
          assert.deepStrictEqual(Array.from(table.values()), Array.from(map.values()))
          for (let at = Math.max(0, number - 200); at <= number; at++) assert.strictEqual(table.get(at), map.get(at))
        }
        assert.isUndefined(table.get(-1))
      })
    )
  })

  it("gives up a page when its last job goes", () => {
    const table = emptyTable()
    for (let number = 1; number <= 10_000; number++) {
      table.add(jobOf(number))
      table.delete(number)
    }
    assert.isAtMost((table as unknown as { readonly pages: Map<number, unknown> }).pages.size, 1)
  })
})
