/**
 * All commands but the server's own fast path, on Effect's command line: help,
 * completions, and errors in one line.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import { version } from "../version.ts"
import { adminCommands } from "./admin-commands.ts"
import { doctor } from "./doctor.ts"
import { expand } from "./GearmanLetters.ts"
import { map, mapWorker } from "./map.ts"
import * as Output from "./Output.ts"
import { config, server } from "./server.ts"
import { submit } from "./submit.ts"
import { top } from "./top.ts"
import { Usage } from "./Usage.ts"
import { messageOf } from "./Wording.ts"
import { worker } from "./worker.ts"

/** Commands that run until they are told to stop: a signal is how they end well. */
const endedBySignal = new Set(["worker", "map-worker", "top"])

const signals = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Exit codes: 0 done; 1 a job or a command failed; 2 the command line makes no sense; 3 no
 * job server could be reached; 130 and 143 a signal came before it was done.
 */
const exitCode = (exit: Exit.Exit<unknown, unknown>, signalCode: number): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return signalCode
  const error = Cause.squash(exit.cause)
  if (CliError.isCliError(error)) return 2
  const { _tag, reason } = error as { readonly _tag?: string; readonly reason?: { readonly _tag?: string } }
  if (_tag === "InvalidAddress" || _tag === "Usage") return 2
  return _tag === "Unreachable" || reason?._tag === "NoServer" ? 3 : 1
}

/** The command line has told of its own errors already. */
const explain = (cause: Cause.Cause<unknown>, command: string | undefined): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  if (CliError.isCliError(error)) return Effect.void
  const hint = error instanceof Usage ? `See effect-gearman ${command} --help\n` : ""
  return Output.printError(`effect-gearman: ${messageOf(error)}\n${hint}`)
}

/** A mistake on the command line gets a line, and not the whole help. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag === "Version") return Output.printLine(`effect-gearman ${event.version}`)
    if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
    const errors = event.errors.map((error) => `effect-gearman: ${error.message.replaceAll(/\s+/g, " ")}\n`)
    return Output.printError(`${errors.join("")}See ${event.commandPath.join(" ")} --help\n`)
  }
}

const root = Command.make("effect-gearman").pipe(
  Command.withDescription("A Gearman job server, workers and clients"),
  Command.withSubcommands([server, worker, submit, map, mapWorker, ...adminCommands, top, doctor, config])
)

/** Runs the command line; the process ends with it. */
export const main = (args: ReadonlyArray<string>): void => {
  Output.endWhenUnwritable()
  const program = Command.runWith(root, { version })(expand(args)).pipe(
    Effect.tapCause((cause) => explain(cause, args[0])),
    Effect.provide(
      Layer.mergeAll(
        NodeServices.layer,
        CliOutput.layerPresenter(presenter),
        // Standard output is for results.
        Layer.succeed(Logger.LogToStderr, true)
      )
    )
  )
  let signalCode = 0
  for (const [signal, code] of Object.entries(signals)) {
    process.once(signal, () => {
      if (!endedBySignal.has(args[0] ?? "")) signalCode = code
    })
  }
  NodeRuntime.runMain(program, {
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(exitCode(exit, signalCode))
  })
}
