/**
 * The job server's command, for `effect-gearman server` and for the stand-in for
 * gearmand. Loads as little as it can before it is needed: some start it dozens of
 * times in a row.
 */
import * as ChildProcess from "node:child_process"
import * as Flags from "./Flags.ts"
import * as Parse from "./parse.ts"

/** How the command presents itself. */
export interface Presentation {
  readonly name: string
  readonly version: string
  /** Behave as gearmand: silent, its default log file, a busy port tried again. */
  readonly isStandIn: boolean
}

const fail = (name: string, errors: ReadonlyArray<string>): never => {
  if (process.send !== undefined) process.send({ errors })
  process.stderr.write(errors.map((error) => `${name}: ${error}\n`).join(""))
  // One exit code for all mistakes, as gearmand's.
  process.exit(1)
}

/** Starts this command again without a terminal and waits until that one is ready. */
const goToBackground = (name: string): void => {
  const child = ChildProcess.spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: { ...process.env, [Parse.backgroundVariable]: "1" }
  })
  child.once("message", (message: { readonly errors?: ReadonlyArray<string> }) => {
    if (message.errors !== undefined) fail(name, message.errors)
    process.exit(0)
  })
  child.once("exit", (code) => fail(name, [`the server ended with code ${code} while it started`]))
}

/** Runs the command; the process ends with it. */
export const main = async (args: ReadonlyArray<string>, { isStandIn, name, version }: Presentation): Promise<void> => {
  const parsed = Parse.parse(args, process.env)
  if (!Parse.isRefusal(parsed) && parsed.given.has("help")) {
    process.stdout.write(Flags.help(name))
    return
  }
  if (!Parse.isRefusal(parsed) && parsed.given.has("version")) {
    process.stdout.write(`${name} ${version}\n`)
    return
  }
  const Settings = await import("./Settings.ts")
  const given = Settings.ofParsed(parsed)
  if (Parse.isRefusal(given)) return fail(name, given.errors)
  // gearmand's own default, whose log is often nobody's to read.
  const isSilent = isStandIn && !Parse.isRefusal(parsed) && !parsed.given.has("verbose")
  const settings: typeof given = isSilent ? { ...given, level: "ERROR" } : given
  if (settings.isCheckOnly) return
  const isBackground = process.env[Parse.backgroundVariable] !== undefined
  if (settings.daemon && !isBackground) return goToBackground(name)

  const [Effect, Cause, Exit, Network, Server] = await Promise.all([
    import("effect/Effect"),
    import("effect/Cause"),
    import("effect/Exit"),
    import("../../protocol/Network.ts"),
    import("./Server.ts")
  ])
  const fiber = Effect.runFork(
    Server.run(settings, {
      defaultLog: isBackground ? "none" : isStandIn ? "/var/log/gearmand.log" : "stderr",
      isStandIn,
      readAgain: () => Settings.read(args, process.env),
      onReady: (addresses) => {
        if (isBackground) {
          process.send?.({})
          process.disconnect()
        } else if (!isStandIn) {
          const [first, ...others] = addresses.map(Network.format)
          process.stdout.write(
            [`listening on ${first}\n`, ...others.map((one) => `also listening on ${one}\n`)].join("")
          )
        }
      }
    })
  )
  fiber.addObserver((exit) => {
    if (Exit.isSuccess(exit)) process.exit(0)
    const error = Cause.squash(exit.cause)
    fail(name, [error instanceof Error ? error.message : String(error)])
  })
}
