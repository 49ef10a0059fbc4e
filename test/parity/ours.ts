/**
 * Our job server for the parity tests: inside the test process, and as the process that
 * people start. Each listens on a port of its own.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as JobServer from "../../src/protocol/JobServer.ts"
import * as Network from "../../src/protocol/Network.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"
import { freePort, start } from "../interop/processes.ts"
import type { StartServer } from "./gearmand.ts"

const optionsOf = (args: ReadonlyArray<string>): Partial<JobServer.Options> => {
  const options: { -readonly [K in keyof JobServer.Options]?: JobServer.Options[K] } = {
    address: Network.tcp("127.0.0.1", 0),
    allowCancel: true
  }
  for (const arg of args) {
    const [flag, value] = arg.split("=") as [string, string | undefined]
    if (flag === "--job-handle-prefix") options.jobHandlePrefix = value!
    else if (flag === "--exceptions") options.exceptions = true
    else if (flag === "--job-retries") options.jobRetries = Number(value)
    else if (flag === "--worker-wakeup") options.workerWakeup = Number(value)
    else throw new Error(`the tests have no option for ${arg}`)
  }
  return options
}

export const ours: StartServer = async (args) => {
  const scope = await Effect.runPromise(Scope.make())
  const running = await JobServer.listen(optionsOf(args)).pipe(
    Scope.provide(scope),
    Effect.provide(NodeNetwork.layer),
    Effect.runPromise
  )
  const fiber = Effect.runFork(running.run.pipe(Effect.provide(Logger.layer([]))))
  if (running.address._tag !== "Tcp") throw new Error("the tests listen on TCP")
  return {
    port: running.address.port,
    stop: async () => {
      await Effect.runPromise(Fiber.interrupt(fiber))
      await Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
}

/** Our server as people start it in gearmand's place: the CLI, from its sources. */
export const oursAsProcess: StartServer = async (args) => {
  const port = await freePort()
  const main = new URL("../../src/runtime/main.ts", import.meta.url).pathname
  const started = start(process.execPath, [main, "server", "--allow-cancel", `--port=${port}`, ...args])
  try {
    await started.says("listening")
  } catch (cause) {
    await started.stop("SIGKILL")
    throw cause
  }
  return { port, pid: started.pid, stop: async () => void (await started.stop("SIGTERM")) }
}
