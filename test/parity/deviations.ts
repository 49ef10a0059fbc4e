/**
 * Where our server answers otherwise than gearmand 1.1.20, on purpose: what it answers
 * instead, and why that is safe. Each entry replaces the transcript of the same id.
 */
import { get, hear, leave, pause, quiet, say, send } from "./steps.ts"
import type { Step } from "./Transcript.ts"

export interface Deviation {
  readonly why: string
  readonly steps: ReadonlyArray<Step>
}

const job = "H:test:1"
const notFound = ["JOB_NOT_FOUND", "Job given in work result not found"] as const

/** One worker for f, one client's job, and the worker has it. */
const assigned = (workload = "x", unique = ""): ReadonlyArray<Step> => [
  send("w", 1, "f"),
  send("c", 7, "f", unique, workload),
  get("c", 8, job),
  send("w", 9),
  get("w", 11, job, "f", workload)
]

const epochFarAway = "32503680000"

export const deviations: Readonly<Record<string, Deviation>> = {
  G07: {
    why: "an exception that the client did not ask for becomes WORK_FAIL with the bare handle: with gearmand's NUL, libgearman clients hang and Perl's die",
    steps: [
      ...assigned(),
      send("w", 25, job, "boom"),
      get("c", 14, job),
      send("c", 15, job),
      get("c", 20, job, "0", "0", "0", "0")
    ]
  },
  G09: {
    why: "WORK_FAIL right after WORK_EXCEPTION for the same job is swallowed: Perl's worker sends both, and dies of an ERROR",
    steps: [
      ...assigned(),
      send("w", 25, job, "boom"),
      send("w", 14, job),
      get("c", 14, job),
      quiet("w"),
      // Only the one: a second WORK_FAIL is an error again.
      send("w", 14, job),
      get("w", 19, ...notFound)
    ]
  },
  G16: {
    why: "a handle that no job can have is unknown; gearmand says nothing and then loses the connection",
    steps: [send("c", 15, "x".repeat(64)), get("c", 20, "x".repeat(64), "0", "0", "0", "0")]
  },
  G23: {
    why: "a job nobody waits for leaves the queue at once, also where no worker comes",
    steps: [
      send("a", 7, "f", "k", "p"),
      get("a", 8, job),
      leave("a"),
      pause(150),
      say("x", "status\n"),
      hear("x", "f\t0\t0\t0\n.\n"),
      send("w", 1, "f"),
      send("w", 9),
      get("w", 10),
      say("x", "status\n"),
      hear("x", "f\t0\t0\t1\n.\n")
    ]
  },
  G24: {
    why: "a request equal to an abandoned one is a new job and runs; gearmand attaches it to the dead one",
    steps: [
      send("a", 7, "f", "k", "p"),
      get("a", 8, job),
      leave("a"),
      pause(150),
      send("b", 7, "f", "k", "p"),
      get("b", 8, "H:test:2"),
      send("w", 1, "f"),
      send("w", 9),
      get("w", 11, "H:test:2", "f", "p"),
      send("w", 13, "H:test:2", "R"),
      get("b", 13, "H:test:2", "R")
    ]
  },
  G25: {
    why: "a background job stays when a foreground client that joined it leaves: its submitter was told that it exists",
    steps: [
      send("a", 18, "f", "k", "p"),
      get("a", 8, job),
      send("b", 7, "f", "k", "p"),
      get("b", 8, job),
      leave("b"),
      pause(150),
      send("w", 1, "f"),
      send("w", 9),
      get("w", 11, job, "f", "p")
    ]
  },
  G34: {
    why: "priority counts across all functions of a worker, as in gearmand 2.0",
    steps: [
      send("w", 1, "A"),
      send("w", 1, "B"),
      pause(50),
      send("c", 32, "A", "", "Ahigh"),
      get("c", 8, job),
      send("c", 34, "B", "", "Blow"),
      get("c", 8, "H:test:2"),
      send("w", 9),
      get("w", 11, job, "A", "Ahigh"),
      send("w", 9),
      get("w", 11, "H:test:2", "B", "Blow")
    ]
  },
  G38: {
    why: "a result that comes after the time limit, from the connection that had the job, counts while the job still waits; an ERROR would kill Perl's worker",
    steps: [
      send("w", 23, "f", "1000"),
      send("c", 7, "f", "", "1"),
      get("c", 8, job),
      send("w", 9),
      get("w", 11, job, "f", "1"),
      send("c", 15, job),
      get("c", 20, job, "1", "1", "0", "0"),
      pause(1400),
      send("c", 15, job),
      get("c", 20, job, "1", "0", "0", "0"),
      quiet("w"),
      send("w", 13, job, "late"),
      get("c", 13, job, "late"),
      quiet("w"),
      send("w", 9),
      get("w", 10)
    ]
  },
  G39: {
    why: "CANT_DO and RESET_ABILITIES leave running jobs alone; gearmand runs them twice",
    steps: [
      ...assigned("1"),
      send("w", 2, "f"),
      send("w", 13, job, "x"),
      get("c", 13, job, "x"),
      quiet("w"),
      send("w", 1, "f"),
      send("c", 7, "f", "", "2"),
      get("c", 8, "H:test:2"),
      send("w", 9),
      get("w", 11, "H:test:2", "f", "2"),
      send("w", 3),
      send("w", 13, "H:test:2", "y"),
      get("c", 13, "H:test:2", "y"),
      quiet("w")
    ]
  },
  G40: {
    why: "announcing a function twice is announcing it once",
    steps: [
      send("w", 1, "f"),
      send("w", 1, "f"),
      pause(50),
      say("x", "status\n"),
      hear("x", "f\t0\t0\t1\n.\n"),
      send("w", 2, "f"),
      pause(50),
      say("x", "status\n"),
      hear("x", "f\t0\t0\t0\n.\n")
    ]
  },
  G48: {
    why: "a unique of 64 bytes is kept whole; gearmand cuts it and adds a byte to the workload",
    steps: [
      send("c", 18, "f", "u".repeat(64), "data"),
      get("c", 8, job),
      send("w", 1, "f"),
      send("w", 30),
      get("w", 31, job, "f", "u".repeat(64), "data")
    ]
  },
  G49: {
    why: "a packet that lacks separators is an error of its own and costs neither the connection nor the next packet",
    steps: [
      send("c", 7, "func"),
      get("c", 19, "INVALID_PACKET", "SUBMIT_JOB has 1 of 3 fields"),
      send("c", 16, "hi"),
      get("c", 17, "hi")
    ]
  },
  G50: {
    why: "a result without the separating NUL is an empty result: Perl's worker sends it for 0 and '', and would get the job again for ever",
    steps: [
      send("c", 7, "f", "", "1"),
      get("c", 8, job),
      send("w", 1, "f"),
      send("w", 9),
      get("w", 11, job, "f", "1"),
      send("w", 13, job),
      get("c", 13, job, ""),
      quiet("w"),
      send("w", 9),
      get("w", 10)
    ]
  },
  G52: {
    why: "a job that is not due hides no other job, and asking to sleep looks at the same jobs as grabbing, as in gearmand 2.0",
    steps: [
      send("c", 36, "f", "u4", epochFarAway, "d4"),
      get("c", 8, job),
      send("c", 34, "f", "", "low"),
      get("c", 8, "H:test:2"),
      send("w", 1, "f"),
      send("w", 4),
      get("w", 6),
      send("w", 9),
      get("w", 11, "H:test:2", "f", "low"),
      send("w", 9),
      get("w", 10),
      send("w", 4),
      quiet("w")
    ]
  },
  G60: {
    why: "create function takes the name as it is, however the line ends",
    steps: [
      say("x", "create function hello\n"),
      hear("x", "OK\r\n"),
      say("x", "status\n"),
      hear("x", "hello\t0\t0\t0\n.\n")
    ]
  },
  G62: {
    why: "who was told that a job was cancelled hears nothing more of it, and its unique is free at once",
    steps: [
      ...assigned("1", "uniq1"),
      say("x", "cancel job H:test:1\n"),
      hear("x", "OK\r\n"),
      get("c", 14, job),
      send("c", 7, "f", "uniq1", "2"),
      get("c", 8, "H:test:2"),
      send("w", 13, job, "R"),
      quiet("c"),
      send("w", 9),
      get("w", 11, "H:test:2", "f", "2")
    ]
  },
  G67: {
    why: "a progress text of any length is passed on; gearmand drops it silently from 12 characters on",
    steps: [
      ...assigned("1"),
      send("w", 12, job, "abc", "def"),
      get("c", 12, job, "abc", "def"),
      send("c", 15, job),
      get("c", 20, job, "1", "1", "0", "0"),
      send("w", 12, job, "-5", "10"),
      get("c", 12, job, "-5", "10"),
      send("c", 15, job),
      get("c", 20, job, "1", "1", "4294967291", "10"),
      send("w", 12, job, "0.5", "1.5"),
      get("c", 12, job, "0.5", "1.5"),
      send("c", 15, job),
      get("c", 20, job, "1", "1", "0", "1"),
      send("w", 12, job, "1", "0123456789012"),
      get("c", 12, job, "1", "0123456789012")
    ]
  }
}
