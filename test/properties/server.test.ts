/**
 * Random commands over several connections: what each connection reads from the job server
 * equals what a naive model of it says, and the server's invariants hold after every packet.
 */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import { type Connection, Server } from "../unit/server/harness.ts"
import { ModelServer, type Priority, type Report, type Submission } from "./server-model.ts"

type Command =
  | { readonly _tag: "submit"; readonly submission: Submission }
  | { readonly _tag: "canDo"; readonly function: string; readonly limitMillis: number }
  | { readonly _tag: "cantDo"; readonly function: string | undefined }
  | { readonly _tag: "grab"; readonly kind: "GRAB_JOB" | "GRAB_JOB_UNIQ" | "GRAB_JOB_ALL" }
  | { readonly _tag: "preSleep" }
  | { readonly _tag: "report"; readonly kind: Report; readonly number: number; readonly text: string }
  | { readonly _tag: "status"; readonly number: number }
  | { readonly _tag: "statusUnique"; readonly unique: string }
  | { readonly _tag: "askForExceptions" }
  | { readonly _tag: "cancel"; readonly number: number }
  | { readonly _tag: "rows" }
  | { readonly _tag: "disconnect" }
  | { readonly _tag: "advance"; readonly millis: number }

const connections = 4
const functionName = FastCheck.constantFrom("a", "b", "c")
// Few and low: most sequences then talk about the same jobs.
const jobNumber = FastCheck.integer({ min: 1, max: 6 })

const submission: FastCheck.Arbitrary<Submission> = FastCheck.record({
  function: functionName,
  unique: FastCheck.constantFrom("", "u", "v", "-"),
  workload: FastCheck.constantFrom("", "1", "2"),
  priority: FastCheck.constantFrom<Priority>("high", "normal", "low"),
  isBackground: FastCheck.boolean(),
  reducer: FastCheck.constant(""),
  inSeconds: FastCheck.constant(0)
}).chain((plain) =>
  FastCheck.oneof(
    { weight: 6, arbitrary: FastCheck.constant(plain) },
    {
      weight: 1,
      arbitrary: FastCheck.integer({ min: 0, max: 3 }).map((inSeconds) => ({
        ...plain,
        priority: "normal" as const,
        isBackground: true,
        inSeconds
      }))
    },
    { weight: 1, arbitrary: FastCheck.constant({ ...plain, priority: "normal" as const, reducer: "r" }) }
  )
)

const tagged = <T extends string, R extends object>(tag: T, fields: { [K in keyof R]: FastCheck.Arbitrary<R[K]> }) =>
  FastCheck.record({ _tag: FastCheck.constant(tag), ...fields }) as FastCheck.Arbitrary<{ readonly _tag: T } & R>

const command: FastCheck.Arbitrary<Command> = FastCheck.oneof(
  { weight: 8, arbitrary: tagged("submit", { submission }) },
  {
    weight: 4,
    arbitrary: tagged("canDo", { function: functionName, limitMillis: FastCheck.constantFrom(0, 0, 1000, 2500) })
  },
  { weight: 1, arbitrary: tagged("cantDo", { function: FastCheck.option(functionName, { nil: undefined }) }) },
  {
    weight: 6,
    arbitrary: tagged("grab", { kind: FastCheck.constantFrom("GRAB_JOB", "GRAB_JOB_UNIQ", "GRAB_JOB_ALL") })
  },
  { weight: 4, arbitrary: tagged("preSleep", {}) },
  {
    weight: 8,
    arbitrary: tagged("report", {
      kind: FastCheck.constantFrom<Report>(
        "WORK_DATA",
        "WORK_WARNING",
        "WORK_STATUS",
        "WORK_COMPLETE",
        "WORK_FAIL",
        "WORK_EXCEPTION"
      ),
      number: jobNumber,
      text: FastCheck.constantFrom("7", "8")
    })
  },
  { weight: 1, arbitrary: tagged("status", { number: jobNumber }) },
  { weight: 1, arbitrary: tagged("statusUnique", { unique: FastCheck.constantFrom("", "u", "v", "-") }) },
  { weight: 1, arbitrary: tagged("askForExceptions", {}) },
  { weight: 1, arbitrary: tagged("cancel", { number: jobNumber }) },
  { weight: 1, arbitrary: tagged("rows", {}) },
  { weight: 2, arbitrary: tagged("disconnect", {}) },
  { weight: 3, arbitrary: tagged("advance", { millis: FastCheck.constantFrom(1, 500, 1000, 3000) }) }
) as FastCheck.Arbitrary<Command>

const commands = FastCheck.array(FastCheck.tuple(FastCheck.nat(connections - 1), command), {
  maxLength: 80,
  // Without it, sequences would rarely be longer than ten.
  size: "max"
})

const send = (server: Server, connection: Connection, step: Command): void => {
  switch (step._tag) {
    case "submit":
      return sendSubmission(server, connection, step.submission)
    case "canDo":
      if (step.limitMillis === 0) return connection.send("CAN_DO", { function: step.function })
      return connection.send("CAN_DO_TIMEOUT", { function: step.function, timeout: `${step.limitMillis}` })
    case "cantDo":
      if (step.function === undefined) return connection.send("RESET_ABILITIES", {})
      return connection.send("CANT_DO", { function: step.function })
    case "grab":
      return connection.send(step.kind, {})
    case "preSleep":
      return connection.send("PRE_SLEEP", {})
    case "report": {
      const handle = `H:${step.number}`
      if (step.kind === "WORK_FAIL") return connection.send(step.kind, { handle })
      if (step.kind === "WORK_STATUS") {
        return connection.send(step.kind, { handle, numerator: step.text, denominator: "100" })
      }
      return connection.send(step.kind, { handle, data: step.text })
    }
    case "status":
      return connection.send("GET_STATUS", { handle: `H:${step.number}` })
    case "statusUnique":
      return connection.send("GET_STATUS_UNIQUE", { unique: step.unique })
    case "askForExceptions":
      return connection.send("OPTION_REQ", { option: "exceptions" })
    case "disconnect":
      return connection.close()
    case "advance":
      return server.advance(step.millis)
    case "cancel":
    case "rows":
      return
  }
}

const sendSubmission = (server: Server, connection: Connection, submission: Submission): void => {
  const { function: fn, inSeconds, isBackground, priority, reducer, unique, workload } = submission
  if (inSeconds > 0) {
    const epoch = `${epochOf(server, inSeconds)}`
    return connection.send("SUBMIT_JOB_EPOCH", { function: fn, unique, epoch, workload })
  }
  if (reducer !== "") {
    const name = isBackground ? "SUBMIT_REDUCE_JOB_BACKGROUND" : "SUBMIT_REDUCE_JOB"
    return connection.send(name, { function: fn, unique, reducer, aggregator: "", workload })
  }
  const ofPriority = priority === "normal" ? "" : (`_${priority.toUpperCase()}` as "_HIGH" | "_LOW")
  connection.send(`SUBMIT_JOB${ofPriority}${isBackground ? "_BG" : ""}`, { function: fn, unique, workload })
}

const apply = (model: ModelServer, id: number, step: Command, startsInMillis: number): void => {
  switch (step._tag) {
    case "submit":
      return model.submit(id, step.submission, startsInMillis)
    case "canDo":
      return model.canDo(id, step.function, step.limitMillis)
    case "cantDo":
      return model.cantDo(id, step.function)
    case "grab":
      return model.grab(id, step.kind)
    case "preSleep":
      return model.preSleep(id)
    case "report":
      return model.report(id, step.kind, step.number, step.text)
    case "status":
      return model.status(id, step.number)
    case "statusUnique":
      return model.statusUnique(id, step.unique)
    case "askForExceptions":
      return model.askForExceptions(id)
    case "disconnect":
      return model.disconnect(id)
    case "advance":
      return model.advance(step.millis)
    case "cancel":
    case "rows":
      return
  }
}

const rowsOf = (answer: string): ReadonlyArray<string> => answer.split("\n").slice(0, -2).toSorted()

/** Whole seconds on the wall, which does not stand at one. */
const epochOf = (server: Server, inSeconds: number): number => Math.floor(server.now.wallMillis / 1000) + inSeconds

const millisUntilEpoch = (server: Server, step: Command): number =>
  step._tag === "submit" && step.submission.inSeconds > 0
    ? epochOf(server, step.submission.inSeconds) * 1000 - server.now.wallMillis
    : 0

const options = FastCheck.record({
  jobRetries: FastCheck.constantFrom(-1, 0, 2),
  exceptions: FastCheck.boolean(),
  maxLooseJobs: FastCheck.constantFrom(0, 2, 4096)
})

describe("the job server", () => {
  it("says what a naive model of it says", () => {
    FastCheck.assert(
      FastCheck.property(options, commands, ({ exceptions, jobRetries, maxLooseJobs }, steps) => {
        const server = new Server({ jobRetries, exceptions, maxLooseJobs })
        const model = new ModelServer(jobRetries, exceptions)
        const administrator = server.connect()
        const open = Array.from({ length: connections }, () => server.connect())
        for (const id of open.keys()) model.connect(id)
        for (const [id, step] of steps) {
          if (step._tag === "cancel") {
            assert.strictEqual(administrator.command(`cancel job H:${step.number}`), model.cancel(step.number))
          }
          const startsInMillis = millisUntilEpoch(server, step)
          send(server, open[id]!, step)
          apply(model, id, step, startsInMillis)
          if (step._tag === "disconnect") {
            open[id] = server.connect()
            model.connect(id)
          }
          for (const [other, connection] of open.entries()) {
            assert.deepStrictEqual(connection.read(), model.read(other), `connection ${other}`)
          }
          if (step._tag === "rows") {
            assert.deepStrictEqual(rowsOf(administrator.command("status")), model.statusRows().toSorted())
            assert.deepStrictEqual(rowsOf(administrator.command("prioritystatus")), model.priorityRows().toSorted())
          }
          assert.deepStrictEqual(server.core.violations(), [])
        }
      }),
      { numRuns: 300 }
    )
  })

  it("keeps its invariants and its memory, however many sleepers it wakes", () => {
    const wakeups = FastCheck.constantFrom(1, 2, 3)
    FastCheck.assert(
      FastCheck.property(wakeups, commands, (workerWakeup, steps) => {
        const server = new Server({ workerWakeup, jobRetries: 3, maxLooseJobs: 1 })
        const open = Array.from({ length: connections }, () => server.connect())
        for (const [id, step] of steps) {
          send(server, open[id]!, step)
          if (step._tag === "disconnect") open[id] = server.connect()
          assert.deepStrictEqual(server.core.violations(), [])
        }
        for (const job of server.core.inspect().jobs) open[0]!.command(`cancel job ${job.handle}`)
        for (const connection of open) connection.close()
        assert.deepStrictEqual(server.core.violations(), [])
        assert.strictEqual(server.core.inspect().counts.jobs, 0)
      }),
      { numRuns: 300 }
    )
  })
})
