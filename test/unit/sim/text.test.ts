/** What operators are told, what their commands do, and limits: histories that hold, and that do not. */
import { assert, describe, it } from "@effect/vitest"
import { fanout } from "../../../src/sim/properties/fanout.ts"
import { limits } from "../../../src/sim/properties/limits.ts"
import { text } from "../../../src/sim/properties/text.ts"
import { judge } from "./histories.ts"

const limitless = () => limits(() => ({}))
const limited = () => limits(() => ({ maxJobs: 2 }))

/** A server that drains from the beginning. */
const draining = () => {
  const property = limits(() => ({}))
  property.observe?.({ at: 0, event: { _tag: "Draining", node: "server1" } })
  return property
}

/** Rules let everybody submit jobs of f only. */
const ruled = () => limits(() => ({ submits: ["f"] }))

const queued = `
  1 < SUBMIT_JOB f u w
  1 > JOB_CREATED H:1
  8 < SET_CLIENT_ID me
  8 < CAN_DO f`

const running = `${queued}
  8 < GRAB_JOB
  8 > JOB_ASSIGN H:1 f w`

const second = "2 < SUBMIT_JOB f v w\n 2 > JOB_CREATED H:2"
const refused = "2 < SUBMIT_JOB f v w\n 2 > ERROR JOB_QUEUE_FULL full"

const asks = (command: string, ...answer: ReadonlyArray<string>) =>
  [`3 < TEXT ${command}`, ...answer.map((line) => `3 > TEXT ${line}`)].join("\n")

const cancelled = asks("cancel job H:1", "OK")

const cases: ReadonlyArray<
  readonly [name: string, make: Parameters<typeof judge>[0], number: number, history: string]
> = [
  ["status", text, 0, `${queued}\n${asks("status", "f|1|0|1", ".")}`],
  ["status of a running job", text, 0, `${running}\n${asks("STATUS", "f|1|1|1", ".")}`],
  ["status without the job", text, 59, `${queued}\n${asks("status", "f|0|0|1", ".")}`],
  ["status without the function", text, 59, `${queued}\n${asks("status", ".")}`],
  ["status of nothing", text, 59, `${asks("status", "g|0|0|0", ".")}`],
  ["status after a worker left", text, 0, `${running}\n 8 closed\n${asks("status", "f|1|0|0", ".")}`],
  ["prioritystatus", text, 0, `${queued}\n${asks("prioritystatus", "f|0|1|0|1", ".")}`],
  ["prioritystatus of another", text, 59, `${queued}\n${asks("prioritystatus", "f|1|0|0|1", ".")}`],
  ["workers", text, 0, `${queued}\n${asks("workers", "1 a - :", "4 b me : f", ".")}`],
  ["workers by another name", text, 59, `${queued}\n${asks("workers", "4 b you : f", ".")}`],
  ["workers with a stranger", text, 59, `${queued}\n${asks("workers", "4 b me : f", "5 c me : f", ".")}`],
  ["show jobs", text, 0, `${queued}\n${asks("show jobs", "H:1|0|0|0", ".")}`],
  ["show jobs as ignored", text, 59, `${queued}\n${asks("show jobs", "H:1|0|1|0", ".")}`],
  ["show jobs that are none", text, 59, `${queued}\n${asks("show jobs", "H:1|0|0|0", "H:2|0|0|0", ".")}`],
  ["show jobs, but one", text, 59, `${queued}\n${second}\n${asks("show jobs", "H:2|0|0|0", ".")}`],
  ["show unique jobs", text, 0, `${queued}\n${asks("show unique jobs", "u", ".")}`],
  ["show another unique job", text, 59, `${queued}\n${asks("show unique jobs", "v", ".")}`],
  ["a mistake is told", text, 0, asks("stats", "ERR UNKNOWN_COMMAND Unknown+server+commandstats")],
  ["a mistake is obeyed", text, 59, asks("stats", "OK")],
  ["no answer", text, 59, "3 < TEXT version\n --"],
  ["no answer before the end", text, 59, "3 < TEXT version\n 3 closed"],
  ["too many words", text, 0, "3 < TEXT one two three four five six\n 3 closed"],
  ["cancel", text, 0, `${queued}\n${cancelled}\n 1 > WORK_FAIL H:1\n${asks("show jobs", ".")}`],
  ["cancel what is not there", text, 0, `${queued}\n${asks("cancel job H:2", "ERR UNKNOWN_JOB")}`],
  ["cancel what is there, refused", text, 59, `${queued}\n${asks("cancel job H:1", "ERR UNKNOWN_JOB")}`],
  ["cancel twice", text, 59, `${running}\n${cancelled}\n${cancelled}`],
  ["a running job is cancelled", text, 0, `${running}\n${cancelled}\n${asks("show jobs", "H:1|0|1|0", ".")}`],
  ["join a cancelled job", text, 59, `${running}\n${cancelled}\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1`],
  [
    "assign a cancelled job",
    text,
    59,
    `${running}\n${cancelled}\n 8 closed\n 9 < CAN_DO f\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w`
  ],
  [
    "all listeners hear",
    fanout,
    0,
    `${queued}\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1\n${cancelled}\n 1 > WORK_FAIL H:1\n 2 > WORK_FAIL H:1\n --`
  ],
  [
    "one is not told",
    fanout,
    5,
    `${queued}\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1\n${cancelled}\n 1 > WORK_FAIL H:1\n --`
  ],
  ["another job's is", fanout, 16, `${queued}\n${second}\n${cancelled}\n 1 > WORK_FAIL H:1\n 2 > WORK_FAIL H:2\n --`],
  [
    "a cancelled job's result",
    fanout,
    7,
    `${running}\n${cancelled}\n 1 > WORK_FAIL H:1\n --\n 8 < WORK_COMPLETE H:1 r\n 1 > WORK_COMPLETE H:1 r`
  ],
  ["drop", text, 0, `${asks("create function g", "OK")}\n${asks("drop function G", "OK")}\n${asks("status", ".")}`],
  ["drop in use", text, 59, `${queued}\n${asks("drop function f", "OK")}`],
  ["drop what is not there", text, 59, asks("drop function f", "OK")],
  ["a server that drains refuses", draining, 0, "2 < SUBMIT_JOB f v w\n 2 > ERROR SHUTTING_DOWN text"],
  ["one that does not drain says so", limitless, 60, "2 < SUBMIT_JOB f v w\n 2 > ERROR SHUTTING_DOWN text"],
  ["a server that drains refuses as if it were full", draining, 60, refused],
  ["a server that drains takes a job", draining, 60, second],
  ["rules allow it", ruled, 0, second],
  ["rules allow it, and it is denied", ruled, 60, "2 < SUBMIT_JOB f v w\n 2 > ERROR ACCESS_DENIED text"],
  ["rules do not allow it", ruled, 0, "2 < SUBMIT_JOB g v w\n 2 > ERROR ACCESS_DENIED text"],
  ["rules do not allow it, and it is taken", ruled, 60, "2 < SUBMIT_JOB g v w\n 2 > JOB_CREATED H:2"],
  [
    "maxqueue of two numbers",
    limitless,
    60,
    `${queued}\n${asks("maxqueue f 2 1", "OK")}\n 2 < SUBMIT_JOB_LOW f v w\n 2 > ERROR JOB_QUEUE_FULL full`
  ],
  ["maxqueue", limitless, 0, `${queued}\n${asks("maxqueue f 1", "OK")}\n${refused}`],
  ["over maxqueue", limitless, 60, `${queued}\n${asks("maxqueue f 1", "OK")}\n${second}`],
  ["under maxqueue", limitless, 60, `${queued}\n${asks("maxqueue f 2", "OK")}\n${refused}`],
  ["maxqueue of another priority", limitless, 0, `${queued}\n${asks("maxqueue f 1 0 1", "OK")}\n${second}`],
  [
    "maxqueue taken back",
    limitless,
    0,
    `${queued}\n${asks("maxqueue f 1", "OK")}\n${asks("maxqueue f", "OK")}\n${second}`
  ],
  [
    "maxqueue, merged",
    limitless,
    0,
    `${queued}\n${asks("maxqueue f 1", "OK")}\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1`
  ],
  [
    "at maxqueue, merged, refused",
    limitless,
    60,
    `${queued}\n${asks("maxqueue f 1", "OK")}\n 2 < SUBMIT_JOB f u w\n 2 > ERROR JOB_QUEUE_FULL full`
  ],
  [
    "too many wait",
    limited,
    60,
    `${queued}\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1`
  ],
  ["no limit", limitless, 60, `${queued}\n${refused}`],
  ["under the server's", limited, 0, `${queued}\n${second}`],
  ["over the server's", limited, 60, `${queued}\n${second}\n 2 < SUBMIT_JOB g w w\n 2 > JOB_CREATED H:3`]
]

describe("text commands and limits", () => {
  for (const [name, make, expected, history] of cases) {
    it(`${expected === 0 ? "hold" : `break ${expected}`}: ${name}`, () => {
      assert.strictEqual(judge(make, history), expected)
    })
  }
})
