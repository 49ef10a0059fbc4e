/**
 * Signals to the job server's process: SIGTERM and SIGINT stop it (at once, or within
 * `--drain-timeout`), SIGUSR1 stops it when no job is left, SIGHUP reads again what may
 * have changed.
 */
import * as Effect from "effect/Effect"
import type * as JobServer from "../../protocol/JobServer.ts"
import type * as Log from "./Log.ts"
import type { Settings } from "./Settings.ts"

const stopSignals = ["SIGTERM", "SIGINT"] as const

/** While the server starts, perhaps waiting for its port, there is nothing to finish. */
const stopAtOnce = () => process.exit(0)

/** Until the server runs, every signal to stop ends the process at once. */
export const obeyEarly = (log: Log.Log): void => {
  for (const signal of [...stopSignals, "SIGUSR1"] as const) process.on(signal, stopAtOnce)
  process.on("SIGHUP", () => reopen(log))
}

const reopen = (log: Log.Log): void => {
  if (log.reopen()) log.write("NOTICE", "SIGHUP: log reopened")
}

/** Ends when a signal asks the server to stop; SIGHUP is obeyed meanwhile. */
export const obey = (
  server: JobServer.Running,
  log: Log.Log,
  settings: Settings,
  onHangUp: () => void
): Effect.Effect<void> =>
  Effect.callback((resume) => {
    let isStopping = false
    const inTime = Effect.andThen(
      server.shutdown("drain"),
      Effect.andThen(
        Effect.sleep(settings.drainSeconds * 1_000),
        Effect.sync(() => log.write("WARNING", `stopping with jobs left: ${server.core.jobs.byNumber.size}`))
      )
    )
    const onStop = (signal: NodeJS.Signals) => {
      if (isStopping || settings.drainSeconds === 0) {
        log.write("NOTICE", `${signal}: stopping`)
        // A second signal while jobs are waited for: nobody is left to resume.
        if (isStopping) process.exit(0)
        return resume(Effect.void)
      }
      isStopping = true
      const deadline = `stopping when no job is left, or in ${settings.drainSeconds} s`
      log.write("NOTICE", `${signal}: no new connections and jobs; ${deadline}`)
      resume(inTime)
    }
    const onGraceful = () => {
      log.write("NOTICE", "SIGUSR1: no new connections; stopping when no job is left")
      Effect.runFork(server.shutdown("graceful"))
    }
    for (const signal of stopSignals) process.on(signal, onStop).off(signal, stopAtOnce)
    process.on("SIGUSR1", onGraceful).off("SIGUSR1", stopAtOnce)
    process.on("SIGHUP", onHangUp)
    process.on("SIGPIPE", () => {})
  })
