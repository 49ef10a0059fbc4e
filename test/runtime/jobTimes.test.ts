/** Which functions have labels of their own in the metrics. */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { assert, describe, it } from "vitest"
import type { Job } from "../../src/protocol/server/Job.ts"
import { JobTimes, labelOf } from "../../src/runtime/server/JobTimes.ts"

let jobs = 0
/** As much of a job as is looked at. */
const jobOf = (key: string): Job =>
  ({ function: { key }, number: ++jobs, priority: 1, isBackground: true, isCancelled: false, offeredMillis: 0 }) as Job

describe("labels of functions", () => {
  it("go to others when nobody needs them any more, and their counts do not get lost", () => {
    const needed = new Set<string>()
    let nowMillis = 0
    const times = new JobTimes(
      () => nowMillis,
      (key) => needed.has(key)
    )
    /** A job that is submitted, runs and is done. */
    const run = (key: string) => {
      const job = jobOf(key)
      times.submitted(job, false)
      times.assigned(job)
      times.ended(job, "completed")
    }
    const labels = () => new Set(Array.from(times.functions, ({ label }) => label))
    const histograms = () =>
      Array.from(
        Context.get(times.registry, Metric.MetricRegistry).values(),
        ({ attributes }) => attributes!["function"]
      )
    for (let n = 0; n < 1_000; n++) {
      needed.add(`strange${n}`)
      run(`strange${n}`)
    }
    run("late")
    assert.isFalse(labels().has("late"))
    needed.clear()
    needed.add("strange7")
    run("late")
    assert.isFalse(labels().has("late"), "looked for anew at every job it would cost all jobs their time")
    nowMillis += 1_000
    run("late")
    run("strange7")
    assert.deepStrictEqual(labels(), new Set(["strange7", "other", "late"]))
    assert.deepStrictEqual(new Set(histograms()), new Set(["strange7", "other", "late"]))
    const submitted = Array.from(times.functions, ({ background, label }) => [label, background[1]])
    assert.deepStrictEqual(Object.fromEntries(submitted), { strange7: 2, other: 1_001, late: 1 })
  })

  it("differ where names do, also where these are no UTF-8", () => {
    const names = [
      "\xff",
      "\\xff",
      "\xff\\xff",
      "\\xff\xff",
      "\\x5cxff",
      "\\\\xff",
      "caf\xc3\xa9",
      "caf\xe9",
      "caf\\xe9"
    ]
    assert.strictEqual(new Set(names.map(labelOf)).size, names.length)
    assert.deepStrictEqual(["App\\Mail", "caf\xc3\xa9", "caf\xe9"].map(labelOf), ["App\\Mail", "café", "caf\\xe9"])
  })
})
