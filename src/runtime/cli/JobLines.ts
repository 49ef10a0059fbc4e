/**
 * What `submit --json` prints: what happens to each job, as it happens, an object a line.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Client from "../../protocol/Client.ts"
import type { GearmanError } from "../../protocol/GearmanError.ts"
import type * as JobFunction from "../../protocol/JobFunction.ts"
import * as Output from "./Output.ts"
import { messageOf } from "./Wording.ts"

/** A job to submit, and which one it is, counted from 1. */
export interface Work {
  readonly number: number
  readonly fn: JobFunction.JobFunction<string, Uint8Array, Uint8Array>
  readonly workload: Uint8Array
}

/** JSON knows no bytes: text where they are UTF-8, and base64 where they are not. */
const dataOf = (bytes: Uint8Array): { readonly data: string } | { readonly dataBase64: string } => {
  try {
    return { data: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { dataBase64: Buffer.from(bytes).toString("base64") }
  }
}

interface Printer {
  /** Where the job is, once that is known: every later line tells it. */
  place: Client.JobHandle | undefined
  readonly print: (event: string, more?: object) => Effect.Effect<void>
}

const printer = ({ fn, number }: Work): Printer => {
  const self: Printer = {
    place: undefined,
    print: (event, more) =>
      Output.printLine(JSON.stringify({ job: number, function: fn.name, event, ...self.place, ...more }))
  }
  return self
}

/** Told on its line, it ends no other job; that nobody can be reached is no job's failure. */
const failed = ({ print }: Printer, error: GearmanError): Effect.Effect<boolean, GearmanError> => {
  const { reason } = error
  const data = reason._tag === "JobException" ? dataOf(reason.data) : {}
  return Effect.andThen(
    print("failed", { reason: reason._tag, message: messageOf(error), ...data }),
    reason._tag === "NoServer" ? Effect.fail(error) : Effect.succeed(false)
  )
}

const tell = (printer: Printer, event: Client.JobEvent<Uint8Array>): Effect.Effect<void> => {
  const { print } = printer
  switch (event._tag) {
    case "Created":
      printer.place = event.handle
      return print("created")
    case "Data":
      return print("data", dataOf(event.data))
    case "Warning":
      return print("warning", dataOf(event.data))
    case "Status":
      return print("status", { numerator: event.numerator, denominator: event.denominator })
    case "Dropped":
      return print("dropped", { count: event.count })
    case "Done":
      return print("completed", dataOf(event.value))
    case "Progress":
      // Functions without schemas have none.
      return Effect.void
  }
}

/** Runs one job, and tells whether it succeeded. */
export const follow = (work: Work, options: Client.SubmitOptions) => {
  const lines = printer(work)
  return Effect.gen(function* () {
    const client = yield* Client.Client
    const job = yield* client.submit(work.fn, work.workload, options)
    yield* Stream.runForEach(job.events, (event) => tell(lines, event))
    return true
  }).pipe(Effect.catchTag("GearmanError", (error) => failed(lines, error)))
}

/** Queues one job, and tells whether it was taken. */
export const queue = (work: Work, options: Client.SubmitOptions) => {
  const lines = printer(work)
  return Effect.gen(function* () {
    const client = yield* Client.Client
    lines.place = yield* client.background(work.fn, work.workload, options)
    yield* lines.print("queued")
    return true
  }).pipe(Effect.catchTag("GearmanError", (error) => failed(lines, error)))
}
