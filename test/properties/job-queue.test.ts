/**
 * A queue that packs its jobs into bundles: the same as a list of jobs, whatever is put in,
 * taken out and asked for; and each job comes out as it went in.
 */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import { Bundle, bundleSize } from "../../src/protocol/server/Bundle.ts"
import { ServerFunction } from "../../src/protocol/server/Functions.ts"
import { Handles } from "../../src/protocol/server/Handles.ts"
import { Job } from "../../src/protocol/server/Job.ts"
import { JobTable } from "../../src/protocol/server/JobTable.ts"
import { Merging } from "../../src/protocol/server/Merging.ts"

const makeQueue = (maxLoose: number) => {
  const handles = new Handles("H", true)
  const table = new JobTable(handles, maxLoose)
  const merging = new Merging(7, table)
  const [fn, other] = [1, 2].map((number) => new ServerFunction(number, `fn${number}`, 0, table, merging)) as [
    ServerFunction,
    ServerFunction
  ]
  return { handles, table, merging, queue: fn.queues[1], others: other.queues[1] }
}

type Made = ReturnType<typeof makeQueue>

interface Kind {
  readonly unique: string
  readonly workload: Uint8Array
  readonly isBackground: boolean
  readonly isOther: boolean
}

const submit = ({ handles, merging, others, queue, table }: Made, kind: Kind): Job | undefined => {
  const of = kind.isOther ? others : queue
  const { unique, workload } = kind
  const key = unique === "-" && workload.length > 0 ? merging.workloadKey(workload, 0, workload.length) : undefined
  const found =
    key !== undefined
      ? merging.findWorkload(of.function, key, workload, 0, workload.length)
      : unique === "" || unique === "-"
        ? undefined
        : merging.findUnique(of.function, unique)
  if (found !== undefined) {
    assert.strictEqual(found.unique, unique)
    assert.strictEqual(found.function, of.function)
    return undefined
  }
  const number = handles.nextNumber()
  const job = new Job(number, handles, of.function, unique, workload, undefined, 1, kind.isBackground)
  job.offeredMillis = number / 7
  job.retries = number % 3
  table.add(job)
  if (key !== undefined) merging.addWorkload(job, key)
  else if (unique !== "" && unique !== "-") merging.addUnique(job, unique)
  of.push(job)
  return job
}

/** What must be the same of a job, wherever it has been. */
const plain = ({ isBackground, mergeKey, number, offeredMillis, retries, unique, workload, ...job }: Job) => ({
  ...{ number, offeredMillis, retries, unique, isBackground, mergeKey },
  workload: Array.from(workload),
  function: job.function.key
})

const kind = FastCheck.record({
  unique: FastCheck.oneof(
    FastCheck.constantFrom("", "-"),
    FastCheck.nat(40).map((id) => `unique ${id}`),
    FastCheck.constant("ÿ".repeat(300))
  ),
  workload: FastCheck.oneof(
    { weight: 9, arbitrary: FastCheck.uint8Array({ maxLength: 40 }) },
    FastCheck.constantFrom(4096, 4097).map((length) => new Uint8Array(length).fill(length))
  ),
  isBackground: FastCheck.oneof({ weight: 9, arbitrary: FastCheck.constant(true) }, FastCheck.constant(false)),
  isOther: FastCheck.oneof({ weight: 5, arbitrary: FastCheck.constant(false) }, FastCheck.constant(true))
})

const steps = FastCheck.array(
  FastCheck.oneof(
    {
      weight: 4,
      arbitrary: FastCheck.record({
        _tag: FastCheck.constant("submit" as const),
        kind,
        times: FastCheck.constantFrom(1, 1, 3, 70)
      })
    },
    FastCheck.record({ _tag: FastCheck.constant("serve" as const), count: FastCheck.nat(90) }),
    FastCheck.record({ _tag: FastCheck.constantFrom("take" as const, "get" as const), at: FastCheck.nat() })
  ),
  { maxLength: 12 }
)

describe("a queue with bundles", () => {
  it("is a list of jobs", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.nat(40), steps, (maxLoose, all) => {
        const made = makeQueue(maxLoose)
        const { merging, others, queue, table } = made
        // As they were when they were submitted.
        const model = new Map<number, ReturnType<typeof plain>>()
        const finish = (job: Job) => {
          const { number } = job
          assert.deepStrictEqual(plain(job), model.get(number))
          job.function.queues[1].remove(job)
          merging.remove(job)
          table.delete(number)
          model.delete(number)
        }
        for (const step of all) {
          if (step._tag === "submit") {
            for (let count = 0; count < step.times; count++) {
              const workload = Uint8Array.from(step.kind.workload)
              if (workload.length > 0) workload[0] = count
              const unique = step.kind.unique.length > 1 ? `${step.kind.unique}${count}` : step.kind.unique
              const job = submit(made, { ...step.kind, unique, workload })
              if (job !== undefined) model.set(job.number, plain(job))
            }
          } else if (step._tag === "serve") {
            for (let count = 0; count < step.count && queue.first !== undefined; count++) finish(queue.first)
          } else if (model.size > 0) {
            const number = Array.from(model.keys())[step.at % model.size]!
            assert.deepStrictEqual(plain(table.look(number)!), model.get(number))
            if (step._tag === "take") finish(table.get(number)!)
            else assert.strictEqual(table.get(number), table.loose(number))
          }
          for (const one of [queue, others]) {
            const expected = Array.from(model.values()).filter((job) => job.function === one.function.key)
            assert.deepStrictEqual(Array.from(one, plain), expected)
            assert.strictEqual(one.size, expected.length)
            assert.strictEqual(one.first?.number, expected[0]?.number)
          }
          assert.deepStrictEqual(Array.from(table.values(), plain), Array.from(model.values()))
          for (const { mergeKey, number } of model.values()) {
            const job = table.look(number)!
            const found =
              typeof mergeKey === "string"
                ? merging.findUnique(job.function, mergeKey)
                : mergeKey === undefined
                  ? job
                  : merging.findWorkload(job.function, mergeKey, job.workload, 0, job.workload.length)
            assert.strictEqual(found?.number, number)
            if (typeof mergeKey === "string") {
              const newest = Array.from(model.values(), (one) => (one.mergeKey === mergeKey ? one.number : 0))
              assert.strictEqual(merging.findAny(mergeKey)?.number, Math.max(...newest))
            }
          }
        }
        for (const one of [queue, others]) while (one.first !== undefined) finish(one.first)
        assert.deepStrictEqual([table.size, table.looseCount, merging.size], [0, 0, 0])
      }),
      { numRuns: 150 }
    )
  })

  it("keeps a few jobs as objects, and only those that it must beyond that", () => {
    const made = makeQueue(10)
    const kindOf = (number: number) => ({
      ...{ unique: `${number}`, workload: Uint8Array.of(1, 2, 3), isOther: false },
      // A caller would wait for this one; here it stands for all that are not packed.
      isBackground: number !== 500
    })
    for (let number = 1; number <= 1000; number++) submit(made, kindOf(number))
    assert.strictEqual(made.table.looseCount, 11)
    made.table.get(700)
    assert.isAtMost(made.table.looseCount, 11 + bundleSize)
    const bundles = Array.from(made.queue["list"]).filter((member) => member instanceof Bundle)
    assert.isAtMost(bundles.length, 1000 / bundleSize + 2)
    // Cut to what is in them, but for the one that takes more.
    for (const bundle of bundles.slice(0, -1)) assert.strictEqual(bundle["bytes"].length, bundle["used"])
  })
})
