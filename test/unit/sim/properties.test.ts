import { assert, describe, it } from "@effect/vitest"
import { assignment } from "../../../src/sim/properties/assignment.ts"
import { fanout } from "../../../src/sim/properties/fanout.ts"
import { merging } from "../../../src/sim/properties/merging.ts"
import type { Property } from "../../../src/sim/properties/Property.ts"
import { wakeup } from "../../../src/sim/properties/wakeup.ts"
import { judge } from "./histories.ts"

const wall = () => 1_000_000
const assigns = () => assignment(wall)

const submitted = `
  1 < SUBMIT_JOB f u w
  1 > JOB_CREATED H:1`

const running = `
  9 < CAN_DO f
  ${submitted}
  9 < GRAB_JOB
  9 > JOB_ASSIGN H:1 f w`

/** Its worker is gone, and the server has noticed. */
const lost = `${running.replaceAll("9 ", "8 ")}\n 8 closed\n rest`

/** The assignments, with a rest by which a server has noticed who is gone. */
const put = (): Property => ({
  ...assigns(),
  atRest: ({ servers }) => {
    for (const server of servers.values()) server.noticed()
  }
})

/** Each property has a history that it accepts and at least one that it rejects. */
const cases: ReadonlyArray<
  readonly [family: string, make: Parameters<typeof judge>[0], expected: number, history: string, attemptsMax?: number]
> = [
  ["the job as it was asked for", assigns, 0, running],
  ["another workload", assigns, 8, `9 < CAN_DO f\n ${submitted}\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f x`],
  ["its unique", assigns, 0, `9 < CAN_DO f\n ${submitted}\n 9 < GRAB_JOB_ALL\n 9 > JOB_ASSIGN_UNIQ H:1 f u w`],
  ["another unique", assigns, 8, `9 < CAN_DO f\n ${submitted}\n 9 < GRAB_JOB_UNIQ\n 9 > JOB_ASSIGN_UNIQ H:1 f v w`],
  [
    "no unique where one is wanted",
    assigns,
    15,
    `9 < CAN_DO f\n ${submitted}\n 9 < GRAB_JOB_UNIQ\n 9 > JOB_ASSIGN H:1 f w`
  ],
  [
    "a job that was put back, in its turn",
    put,
    0,
    `${lost}\n 3 < SUBMIT_JOB f v x\n 3 > JOB_CREATED H:2\n 9 < CAN_DO f\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w`
  ],
  [
    "a younger one before a job that was put back",
    put,
    30,
    `${lost}\n 3 < SUBMIT_JOB f v x\n 3 > JOB_CREATED H:2\n 9 < CAN_DO f\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:2 f x`
  ],
  [
    "a job that was put back before one of higher priority",
    put,
    29,
    `${lost}\n 3 < SUBMIT_JOB_HIGH f v x\n 3 > JOB_CREATED H:2\n 9 < CAN_DO f\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w`
  ],
  [
    "a job that was lost, before one that came while it ran",
    put,
    0,
    `${running.replaceAll("9 ", "8 ")}\n 3 < SUBMIT_JOB f v x\n 3 > JOB_CREATED H:2\n 8 closed\n rest\n 9 < CAN_DO f\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w`
  ],
  [
    "a job that was lost, before one that had come before it was handed out",
    put,
    17,
    `${submitted}\n 3 < SUBMIT_JOB f v x\n 3 > JOB_CREATED H:2\n 8 < CAN_DO f\n 8 < GRAB_JOB\n 8 > JOB_ASSIGN H:1 f w\n 8 closed\n rest\n 9 < CAN_DO f\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w`
  ],
  ["NO_JOB beside a job that was put back", put, 23, `${lost}\n 9 < CAN_DO f\n 9 < GRAB_JOB\n 9 > NO_JOB`],
  ["a merge into a queued job", merging, 0, `${submitted}\n 2 < SUBMIT_JOB f u x\n 2 > JOB_CREATED H:1`],
  [
    "a new job after the end",
    merging,
    0,
    `${running}\n 9 < WORK_COMPLETE H:1 r\n 1 > WORK_COMPLETE H:1 r\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:2`
  ],
  [
    "a new job after it was abandoned",
    merging,
    0,
    `${submitted}\n 1 closed\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:2`
  ],
  [
    "no merging without a unique",
    merging,
    0,
    "1 < SUBMIT_JOB f '' w\n 1 > JOB_CREATED H:1\n 2 < SUBMIT_JOB f '' w\n 2 > JOB_CREATED H:2"
  ],
  ["a handle again after a restart", merging, 1, `${submitted}\n restart\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1`],
  ["a second job for one unique", merging, 2, `${submitted}\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:2`],
  ["another function merged", merging, 3, `${submitted}\n 2 < SUBMIT_JOB g u w\n 2 > JOB_CREATED H:1`],
  [
    "no unique merged",
    merging,
    3,
    "1 < SUBMIT_JOB f '' w\n 1 > JOB_CREATED H:1\n 2 < SUBMIT_JOB f '' w\n 2 > JOB_CREATED H:1"
  ],
  ["an attempt beside a running job", merging, 4, `${running}\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:2`],
  ["a packet before JOB_CREATED", merging, 9, "1 < SUBMIT_JOB f u w\n 1 > WORK_COMPLETE H:1 r"],
  [
    "a finished job's handle",
    merging,
    10,
    `${running}\n 9 < WORK_COMPLETE H:1 r\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1`
  ],

  [
    "both listeners hear",
    fanout,
    0,
    `${running}\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1\n -- \n 9 < WORK_DATA H:1 d\n 1 > WORK_DATA H:1 d\n 2 > WORK_DATA H:1 d`
  ],
  ["a listener that left hears nothing", fanout, 0, `${running}\n 1 closed\n --\n 9 < WORK_COMPLETE H:1 r`],
  [
    "a late result of a job that waits again",
    fanout,
    0,
    `9 < CAN_DO_TIMEOUT f 2000\n ${submitted}\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w\n wait 2000\n 8 < CAN_DO_TIMEOUT f 2000\n 8 < GRAB_JOB\n 8 > JOB_ASSIGN H:1 f w\n wait 2000\n 9 < WORK_COMPLETE H:1 r\n 1 > WORK_COMPLETE H:1 r`
  ],
  [
    "a late result of a job that another has",
    fanout,
    16,
    `9 < CAN_DO_TIMEOUT f 2000\n ${submitted}\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w\n wait 2000\n 8 < CAN_DO f\n 8 < GRAB_JOB\n 8 > JOB_ASSIGN H:1 f w\n 9 < WORK_COMPLETE H:1 r\n 1 > WORK_COMPLETE H:1 r`
  ],
  [
    "a late result of a job that another had until its connection closed",
    fanout,
    0,
    `9 < CAN_DO_TIMEOUT f 2000\n ${submitted}\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w\n wait 2000\n 8 < CAN_DO f\n 8 < GRAB_JOB\n 8 > JOB_ASSIGN H:1 f w\n 8 closed\n 9 < WORK_COMPLETE H:1 r\n 1 > WORK_COMPLETE H:1 r`
  ],
  [
    "a late result of a job that another had and a third has",
    fanout,
    16,
    `9 < CAN_DO_TIMEOUT f 2000\n ${submitted}\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w\n wait 2000\n 8 < CAN_DO f\n 8 < GRAB_JOB\n 8 > JOB_ASSIGN H:1 f w\n 8 closed\n 7 < CAN_DO f\n 7 < GRAB_JOB\n 7 > JOB_ASSIGN H:1 f w\n 9 < WORK_COMPLETE H:1 r\n 1 > WORK_COMPLETE H:1 r`
  ],
  ["attempts spent", fanout, 0, `${running}\n 9 closed\n 1 > WORK_FAIL H:1`, 1],
  [
    "a listener left out",
    fanout,
    5,
    `${running}\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1\n -- \n 9 < WORK_DATA H:1 d\n 2 > WORK_DATA H:1 d`
  ],
  [
    "data out of order",
    fanout,
    5,
    `${running}\n 9 < WORK_DATA H:1 a\n 9 < WORK_DATA H:1 b\n 1 > WORK_DATA H:1 b\n 1 > WORK_DATA H:1 a`
  ],
  ["an exception nobody asked for", fanout, 5, `${running}\n 9 < WORK_EXCEPTION H:1 x\n 1 > WORK_EXCEPTION H:1 x`],
  ["two ends", fanout, 7, `${running}\n 9 < WORK_COMPLETE H:1 r\n 1 > WORK_COMPLETE H:1 r\n --\n 1 > WORK_FAIL H:1`],
  ["a stranger's result", fanout, 16, `${running}\n 8 < WORK_COMPLETE H:1 r\n 1 > WORK_COMPLETE H:1 r`],
  [
    "the submitter of a background job",
    fanout,
    44,
    `9 < CAN_DO f\n 1 < SUBMIT_JOB_BG f u w\n 1 > JOB_CREATED H:1\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w\n 9 < WORK_DATA H:1 r\n 1 > WORK_DATA H:1 r`
  ],

  ["a job to an able worker", assigns, 0, running],
  [
    "a second attempt after a loss",
    assigns,
    0,
    `${running}\n 9 closed\n 8 < CAN_DO f\n 8 < GRAB_JOB\n 8 > JOB_ASSIGN H:1 f w`
  ],
  [
    "a second attempt after the time limit",
    assigns,
    0,
    `9 < CAN_DO_TIMEOUT f 2000\n ${submitted}\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w\n wait 2000\n 8 < CAN_DO f\n 8 < GRAB_JOB\n 8 > JOB_ASSIGN H:1 f w`
  ],
  ["a job with two owners", assigns, 13, `${running}\n 8 < CAN_DO f\n 8 < GRAB_JOB\n 8 > JOB_ASSIGN H:1 f w`],
  ["a finished job assigned", assigns, 13, `${running}\n 9 < WORK_FAIL H:1\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w`],
  [
    "a job to one that cannot do it",
    assigns,
    14,
    `9 < CAN_DO f\n 9 < CANT_DO f\n ${submitted}\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w`
  ],
  ["two jobs for one grab", assigns, 15, `${running}\n 9 > NO_JOB`],
  [
    "an attempt too many",
    assigns,
    18,
    `${running}\n 9 closed\n 8 < CAN_DO f\n 8 < GRAB_JOB\n 8 > JOB_ASSIGN H:1 f w\n 8 closed\n 7 < CAN_DO f\n 7 < GRAB_JOB\n 7 > JOB_ASSIGN H:1 f w`,
    2
  ],
  [
    "a time limit cut short",
    assigns,
    19,
    `9 < CAN_DO_TIMEOUT f 2000\n ${submitted}\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w\n wait 1000\n 8 < CAN_DO f\n 8 < GRAB_JOB\n 8 > JOB_ASSIGN H:1 f w`
  ],
  ["a job that waits kept back", assigns, 23, `9 < CAN_DO f\n ${submitted}\n 9 < GRAB_JOB\n 9 > NO_JOB`],
  [
    "a job before its time",
    assigns,
    27,
    "9 < CAN_DO f\n 1 < SUBMIT_JOB_EPOCH f u 1001 w\n 1 > JOB_CREATED H:1\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w"
  ],
  [
    "the lower priority first",
    assigns,
    29,
    "9 < CAN_DO f\n 1 < SUBMIT_JOB f a w\n 1 > JOB_CREATED H:1\n 1 < SUBMIT_JOB_HIGH f b w\n 1 > JOB_CREATED H:2\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w"
  ],
  [
    "a merged job raised",
    assigns,
    0,
    "9 < CAN_DO f\n 1 < SUBMIT_JOB f a w\n 1 > JOB_CREATED H:1\n 1 < SUBMIT_JOB f b w\n 1 > JOB_CREATED H:2\n 1 < SUBMIT_JOB_HIGH f b w\n 1 > JOB_CREATED H:2\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:2 f w"
  ],
  [
    "the newer first",
    assigns,
    30,
    "9 < CAN_DO f\n 1 < SUBMIT_JOB f a w\n 1 > JOB_CREATED H:1\n 1 < SUBMIT_JOB f b w\n 1 > JOB_CREATED H:2\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:2 f w"
  ],

  // Under these numbers other properties are judged, which have no check of their own.
  [
    "6: what was before who comes late",
    fanout,
    16,
    `${running}\n 9 < WORK_DATA H:1 a\n 1 > WORK_DATA H:1 a\n --\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1\n 2 > WORK_DATA H:1 a`
  ],
  [
    "11: nothing for who joins a background job",
    fanout,
    5,
    "9 < CAN_DO f\n 1 < SUBMIT_JOB_BG f u w\n 1 > JOB_CREATED H:1\n 2 < SUBMIT_JOB f u w\n 2 > JOB_CREATED H:1\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w\n 9 < WORK_COMPLETE H:1 r\n --"
  ],
  [
    "12: a job that was raised kept behind",
    assigns,
    29,
    "9 < CAN_DO f\n 1 < SUBMIT_JOB f a w\n 1 > JOB_CREATED H:1\n 1 < SUBMIT_JOB f b w\n 1 > JOB_CREATED H:2\n 1 < SUBMIT_JOB_HIGH f b w\n 1 > JOB_CREATED H:2\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w"
  ],
  [
    "20: an ability withdrawn while a job runs",
    fanout,
    0,
    `${running}\n 9 < CANT_DO f\n 9 < WORK_COMPLETE H:1 r\n 1 > WORK_COMPLETE H:1 r\n --`
  ],
  ["20: its result then lost", fanout, 5, `${running}\n 9 < CANT_DO f\n 9 < WORK_COMPLETE H:1 r\n --`],
  [
    "28: a sleeper woken for one function beside work of another",
    wakeup,
    23,
    "9 < CAN_DO f\n 9 < PRE_SLEEP\n 8 < CAN_DO g\n 8 < PRE_SLEEP\n --\n 1 < SUBMIT_JOB f a w\n 1 > JOB_CREATED H:1\n 9 > NOOP\n --\n 1 < SUBMIT_JOB g b w\n 1 > JOB_CREATED H:2\n --"
  ],

  ["a sleeper woken", wakeup, 0, `9 < CAN_DO f\n 9 < PRE_SLEEP\n -- \n ${submitted}\n 9 > NOOP`],
  [
    "one sleeper of two woken",
    wakeup,
    0,
    `9 < CAN_DO f\n 9 < PRE_SLEEP\n 8 < CAN_DO f\n 8 < PRE_SLEEP\n -- \n ${submitted}\n 8 > NOOP`
  ],
  [
    "two jobs that wake one of two",
    wakeup,
    23,
    `7 < CAN_DO f\n 7 < PRE_SLEEP\n 9 < CAN_DO f\n 9 < PRE_SLEEP\n -- \n ${submitted}\n 1 < SUBMIT_JOB f v w\n 1 > JOB_CREATED H:2\n 9 > NOOP`
  ],
  [
    "two jobs that wake two of three",
    wakeup,
    0,
    `7 < CAN_DO f\n 7 < PRE_SLEEP\n 8 < CAN_DO f\n 8 < PRE_SLEEP\n 9 < CAN_DO f\n 9 < PRE_SLEEP\n -- \n ${submitted}\n 1 < SUBMIT_JOB f v w\n 1 > JOB_CREATED H:2\n 8 > NOOP\n 9 > NOOP`
  ],
  ["nobody woken", wakeup, 23, `9 < CAN_DO f\n 9 < PRE_SLEEP\n -- \n ${submitted}`],
  ["nobody woken on PRE_SLEEP", wakeup, 23, `9 < CAN_DO f\n ${submitted}\n --\n 9 < PRE_SLEEP`],
  ["woken twice", wakeup, 25, `9 < CAN_DO f\n 9 < PRE_SLEEP\n -- \n ${submitted}\n 9 > NOOP\n 9 > NOOP`],
  ["woken while awake", wakeup, 25, `9 < CAN_DO f\n ${submitted}\n 9 > NOOP`]
]

describe("properties of the job server", () => {
  for (const [name, make, expected, history, attemptsMax] of cases) {
    it(`${expected === 0 ? "accept" : `reject by ${expected}`}: ${name}`, () => {
      assert.strictEqual(judge(make, history, attemptsMax), expected)
    })
  }
})
