/**
 * Our own client and worker in the role of one peer among the others: inside the test
 * process, over real sockets.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "../../src/protocol/Client.ts"
import type { GearmanError } from "../../src/protocol/GearmanError.ts"
import { JobContext } from "../../src/protocol/JobContext.ts"
import * as JobFunction from "../../src/protocol/JobFunction.ts"
import * as Worker from "../../src/protocol/Worker.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"
import type { Call, CallResult } from "./fleet.ts"

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const upper = JobFunction.bytes("upper").toLayer((bytes) =>
  Effect.succeed(bytes.map((byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte)))
)

const progress = JobFunction.bytes("progress").toLayer(() =>
  Effect.gen(function* () {
    const job = yield* JobContext
    yield* job.progress(1, 2)
    yield* job.data(utf8("part"))
    yield* job.warning(utf8("careful"))
    yield* job.progress(2, 2)
    return utf8("done")
  })
)

const functions = Layer.mergeAll(
  upper,
  progress,
  JobFunction.bytes("fail").toLayer(() => Effect.fail(new Worker.JobFail())),
  JobFunction.bytes("raise").toLayer(() => Effect.die(new Error("boom"))),
  JobFunction.bytes("zero").toLayer(() => Effect.succeed(utf8("0"))),
  JobFunction.bytes("empty").toLayer(() => Effect.succeed(new Uint8Array(0)))
)

export const startWorker = async (port: number): Promise<{ readonly stop: () => Promise<void> }> => {
  const scope = await Effect.runPromise(Scope.make())
  const live = functions.pipe(
    Layer.provide(Worker.layer({ servers: [`127.0.0.1:${port}`], clientId: "effect-gearman", concurrency: 4 })),
    Layer.provide(NodeNetwork.layer)
  )
  // That a handler dies is what `raise` is for; its log would only be noise here.
  await Effect.runPromise(Layer.buildWithScope(Layer.provideMerge(live, Logger.layer([])), scope))
  return { stop: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

const described = (cause: Cause.Cause<GearmanError>): string => {
  const error = Cause.squash(cause)
  const reason = (error as Partial<GearmanError>).reason?._tag
  return reason === "JobFailed" ? "fail" : reason === "JobException" ? "exception" : String(error)
}

const perform = Effect.fnUntraced(function* (call: Call) {
  const client = yield* Client.Client
  const fn = JobFunction.bytes(call.function)
  const payload = Buffer.from(call.workload)
  const unique = call.unique === undefined ? {} : { unique: call.unique }
  if (call.mode === "do" || call.mode === "high" || call.mode === "low") {
    const priority = call.mode === "do" ? "normal" : call.mode
    return Buffer.from(yield* client.run(fn, payload, { ...unique, priority }))
  }
  const lines: Array<string> = []
  if (call.mode === "background") {
    const handle = yield* client.background(fn, payload, unique)
    lines.push(handle.handle)
    const known = yield* client.status(handle)
    lines.push(`known ${Number(known.known)} running ${Number(known.running)}`)
    if (call.unique !== undefined) {
      const same = yield* client.statusByUnique(fn, call.unique)
      lines.push(`known ${Number(same.known)} running ${Number(same.running)}`)
    }
  } else {
    const job = yield* client.submit(fn, payload, unique)
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
    const exit = yield* Effect.exit(
      Stream.runForEach(job.events, (event) =>
        Effect.sync(() => {
          if (event._tag === "Status") lines.push(`status ${event.numerator}/${event.denominator}`)
          else if (event._tag === "Data") lines.push(`data ${text(event.data)}`)
          else if (event._tag === "Warning") lines.push(`warning ${text(event.data)}`)
          else if (event._tag === "Done") lines.push(`complete ${text(event.value)}`)
        })
      )
    )
    if (Exit.isFailure(exit)) lines.push(described(exit.cause))
  }
  return Buffer.from(lines.map((line) => `${line}\n`).join(""))
})

export const call = async (port: number, call: Call): Promise<CallResult> => {
  const layer = Client.layer({ servers: [`127.0.0.1:${port}`] }).pipe(Layer.provide(NodeNetwork.layer))
  const exit = await Effect.runPromiseExit(perform(call).pipe(Effect.timeout("20 seconds"), Effect.provide(layer)))
  return Exit.isSuccess(exit)
    ? { code: 0, output: exit.value, errors: "" }
    : { code: 1, output: Buffer.alloc(0), errors: described(exit.cause as Cause.Cause<GearmanError>) }
}
