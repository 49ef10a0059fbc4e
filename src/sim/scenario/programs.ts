/**
 * What the simulated machines run: the library's own job server, worker and client, as
 * they are, and a little around them that says what is done and reports what happens.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "../../protocol/Client.ts"
import { type Book, Books } from "../../protocol/connection/Books.ts"
import type { JobFunction } from "../../protocol/JobFunction.ts"
import * as JobServer from "../../protocol/JobServer.ts"
import * as Network from "../../protocol/Network.ts"
import * as Packet from "../../protocol/Packet.ts"
import * as Worker from "../../protocol/Worker.ts"
import type { Event } from "../properties/History.ts"
import { type Executions, isRoomy, functions, payloadOf, reasonOf, serve } from "./functions.ts"
import { mapOf, mapped, payloadsOf } from "./maps.ts"
import { type Call, type FunctionName, isInterrupted, ownLimitOf, type Scenario, type WorkerPlan } from "./Scenario.ts"

/**
 * What programs tell the run they are part of.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ledger {
  readonly record: (event: Event) => void
  readonly nextCaller: () => number
  readonly nextExecution: () => number
  /** The machine gets or gives such a packet for the n-th time from now on. */
  readonly moment: (node: string, on: Packet.Name, nth: number) => Effect.Effect<void>
  readonly serverStarted: (node: string, server: JobServer.Running) => void
  /** A client or worker. */
  readonly memberStarted: (node: string, book: Book) => void
}

/**
 * After this time a call of the kind `later` may run.
 *
 * @since 0.1.0
 * @category constants
 */
export const laterMillis = 2000

/**
 * The servers do not read on from a connection for which this much waits.
 *
 * @since 0.1.0
 * @category constants
 */
export const pauseAboveBytes = 4096

// So few that jobs are packed into bundles, and so many that some are not.
const maxLooseJobs = 2

/**
 * The job servers, in the order that programs know them.
 *
 * @since 0.1.0
 * @category getters
 */
export const addressesOf = (scenario: Scenario) => scenario.servers.map((_, index) => Network.tcp(`server${index + 1}`))

/** Everybody may do everything but submit jobs of other functions. */
const rulesOf = (submits: ReadonlyArray<FunctionName>): JobServer.Options["accessRules"] => [
  { identity: "*", action: "submit", functions: submits },
  { identity: "*", action: "serve", functions: ["*"] },
  { identity: "*", action: "administrate", functions: ["*"] }
]

/** What is not said has its default. */
const defined = <A extends object>(options: A) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof A]?: Exclude<A[K], undefined>
  }

/**
 * @since 0.1.0
 * @category programs
 */
export const server = (scenario: Scenario, node: string, ledger: Ledger) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { submits, ...options } = scenario.servers[Number(node.slice("server".length)) - 1]!
      const running = yield* JobServer.listen({
        ...defined({ ...options, accessRules: submits && rulesOf(submits) }),
        allowCancel: true,
        pauseAboveBytes,
        maxLooseJobs,
        address: Network.tcp(node)
      })
      ledger.serverStarted(node, running)
      return yield* running.run
    })
  )

/**
 * @since 0.1.0
 * @category programs
 */
export const worker = (scenario: Scenario, node: string, plan: WorkerPlan, ledger: Ledger) => {
  const executions: Executions = {
    isRoomy: isRoomy(scenario.world.network),
    began: (job, fn, payload) => {
      const execution = ledger.nextExecution()
      const { handle, server: from } = job
      ledger.record({ _tag: "Began", node, execution, server: from, handle, function: fn, workload: payload })
      return execution
    },
    finished: (execution, how) => ledger.record({ _tag: "Finished", node, execution, how })
  }
  return Effect.scoped(
    Effect.gen(function* () {
      const service = yield* Worker.Worker
      const [first, ...others] = plan.functions
      const serves = (name: FunctionName) => serve(service, name, executions, ownLimitOf(plan, name))
      if (first !== undefined) yield* serves(first)
      if (plan.changesAt > 0) yield* Effect.sleep(plan.changesAt)
      const last = yield* Scope.make()
      for (const name of others) {
        const isLast = name === others.at(-1) && plan.changesAt > 0
        yield* isLast ? Scope.provide(serves(name), last) : serves(name)
      }
      if (plan.changesAt > 0) {
        yield* Effect.sleep(plan.changesAt)
        yield* Scope.close(last, Exit.void)
      }
      return yield* Effect.never
    }).pipe(
      Effect.provide(
        Worker.layer({
          servers: addressesOf(scenario),
          concurrency: plan.slots,
          prefetch: plan.prefetch,
          maxUnsentBytes: plan.maxUnsentBytes,
          clientId: node,
          drainTimeout: "5 seconds"
        })
      ),
      Effect.provideService(Books, (book) => ledger.memberStarted(node, book))
    )
  )
}

/** Runs what has things to say before it is done, and reports what its caller hears. */
const listenTo = (call: Call, hear: (kind: "data" | "warning" | "progress" | "status", text: string) => void) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const client = yield* Client.Client
      const { item, priority, takesMillis } = call
      const job = yield* restore(
        client.submit(functions.streamed, payloadOf(item, takesMillis), { priority, timeout: call.limitMillis })
      )
      const listening = Stream.runForEach(job.events, (event) =>
        Effect.sync(() => {
          if (event._tag === "Data") hear("data", Packet.toText(event.data))
          else if (event._tag === "Warning") hear("warning", Packet.toText(event.data))
          else if (event._tag === "Status") hear("progress", `progress ${event.numerator} ${event.denominator}`)
        })
      )
      return yield* Effect.onExit(restore(Effect.andThen(listening, job.await)), () => job.detach)
    })
  )

type Hear = Parameters<typeof listenTo>[1]

/**
 * The unique that a caller of the kind `status` asks for.
 *
 * @since 0.1.0
 * @category getters
 */
export const askedUniqueOf = (payload: string): string => payload.split("@")[0]!

const statusText = ({ denominator, known, numerator, running }: Client.JobStatus): string =>
  [known, running, numerator, denominator].join(" ")

/** A call as an Effect of the text that a caller gets. */
const perform = (
  call: Call,
  hear: Hear,
  tell: Parameters<typeof mapped>[1]
): Effect.Effect<string, unknown, Client.Client> =>
  Effect.gen(function* () {
    const client = yield* Client.Client
    const fn = functions[call.function] as JobFunction<string, string, string, { readonly workload: string }>
    const payload = payloadOf(call.item, call.takesMillis)
    const { hedgeMillis, priority } = call
    switch (call.kind) {
      case "run":
        // Half of them listen.
        if (call.function === "streamed" && hedgeMillis === 0 && call.item % 2 === 0) return yield* listenTo(call, hear)
        return yield* client.run(fn, payload, {
          priority,
          timeout: call.limitMillis,
          hedge: hedgeMillis > 0 ? hedgeMillis : undefined
        })
      case "background":
        return yield* Effect.flatMap(client.background(fn, payload, { priority }), (handle) => {
          const asked = Effect.ignore(
            Effect.map(client.status(handle), (status) => hear("status", `${handle.handle} ${statusText(status)}`))
          )
          // Asked about in the middle, when there may be progress to tell.
          return Effect.sleep(call.takesMillis / 2).pipe(
            Effect.andThen(asked),
            // And when an attempt that took too long has been followed by another.
            Effect.andThen(Effect.sleep(call.takesMillis / 2)),
            Effect.andThen(asked),
            Effect.as(handle.handle)
          )
        })
      case "later":
        return (yield* client.background(fn, payload, { priority, after: laterMillis })).handle
      case "map":
        return yield* mapped(call, tell)
      case "status":
        return statusText(yield* client.statusByUnique(fn, askedUniqueOf(payload)))
      case "echo":
        return String((yield* client.echo()).length)
    }
  })

/** Whether the function merges, and what makes two calls equal then. */
const uniqueOf = (name: FunctionName, payload: string): string => {
  const { unique } = functions[name]
  if (typeof unique === "function") return (unique as (payload: string) => string)(payload)
  return unique === "payload" ? "-" : ""
}

const caller = Effect.fnUntraced(function* (node: string, call: Call, ledger: Ledger) {
  yield* Effect.sleep(call.at)
  const id = ledger.nextCaller()
  const first = payloadOf(call.item, call.takesMillis)
  ledger.record({
    _tag: "Asked",
    node,
    caller: id,
    kind: call.kind,
    function: call.function,
    unique: uniqueOf(call.function, first),
    workload: call.kind === "map" ? payloadsOf(call).join(",") : first,
    priority: call.kind === "map" ? "normal" : call.priority,
    idempotent: functions[call.function].idempotent,
    interrupts: isInterrupted(call),
    interruptOn: call.interruptOn,
    limitMillis: call.kind === "run" ? call.limitMillis : undefined,
    hedgeMillis: call.kind === "run" && call.hedgeMillis > 0 ? call.hedgeMillis : undefined,
    map: call.kind === "map" ? mapOf(call) : undefined
  })
  const hear: Hear = (kind, text) => ledger.record({ _tag: "Heard", node, caller: id, kind, text })
  const tell = (kind: "progress" | "result", text: string) =>
    ledger.record({ _tag: "Mapped", node, caller: id, kind, text })
  let isAnswered = false
  const answered = (exit: Exit.Exit<string, unknown>) =>
    Effect.sync(() => {
      isAnswered = true
      const failure = Exit.isFailure(exit)
        ? exit.cause.reasons.find((reason) => reason._tag !== "Interrupt")
        : undefined
      const how = Exit.isSuccess(exit) ? "success" : failure === undefined ? "interrupted" : "failure"
      const text = Exit.isSuccess(exit)
        ? exit.value
        : failure?._tag === "Fail"
          ? reasonOf(failure.error)
          : failure?._tag === "Die"
            ? `died: ${String(failure.defect)}`
            : ""
      ledger.record({ _tag: "Answered", node, caller: id, how, text })
    })
  const asked = Effect.onExit(perform(call, hear, tell), answered)
  if (!isInterrupted(call)) {
    yield* Effect.exit(asked)
    return
  }
  const { interruptAfterMillis, interruptNth = 1, interruptOn } = call
  const interrupted =
    interruptOn === undefined ? Effect.sleep(interruptAfterMillis) : ledger.moment(node, interruptOn, interruptNth)
  yield* Effect.exit(Effect.raceFirst(asked, interrupted))
  // A call that is interrupted before its first step ends without a word.
  if (!isAnswered) yield* answered(Exit.interrupt())
})

/** Callers are there so long before they ask: all of them at once where a scenario is short, few in a day of them. */
const callersWaitMillis = 30_000

/**
 * @since 0.1.0
 * @category programs
 */
export const client = (scenario: Scenario, node: string, calls: ReadonlyArray<Call>, ledger: Ledger) => {
  const plan = scenario.clients[Number(node.slice("client".length)) - 1]!
  return Effect.scoped(
    Effect.gen(function* () {
      let waited = 0
      for (const call of calls) {
        const early = Math.max(waited, call.at - callersWaitMillis)
        if (early > waited) yield* Effect.sleep(early - waited)
        waited = early
        yield* Effect.forkChild(caller(node, { ...call, at: call.at - waited }, ledger))
      }
      return yield* Effect.never
    }).pipe(
      Effect.provide(
        Client.layer({
          servers: addressesOf(scenario),
          maxJobs: plan.jobsMax,
          maxUnsentBytes: plan.maxUnsentBytes
        })
      ),
      Effect.provideService(Books, (book) => ledger.memberStarted(node, book))
    )
  )
}
