/**
 * `--pid-file`, by which scripts find a command that runs long. `gearman -i` leaves its
 * file behind; here it goes with the process.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Flag from "effect/cli/Flag"
import * as Fs from "node:fs"
import { Usage } from "./Usage.ts"

/** The flag. */
export const flag = Flag.String("pid-file").pipe(
  Flag.withAlias("i"),
  Flag.withMetavar("FILE"),
  Flag.withDescription("File that holds the process id while the command runs"),
  Flag.optional
)

/** Writes the file, where one was asked for, until the scope closes. */
export const write = (path: Option.Option<string>) =>
  Option.isNone(path)
    ? Effect.void
    : Effect.acquireRelease(
        Effect.try({
          try: () => Fs.writeFileSync(path.value, `${process.pid}\n`),
          catch: (cause) =>
            new Usage({ problem: `cannot write the pid file ${path.value}: ${(cause as Error).message}` })
        }),
        () => Effect.sync(() => Fs.rmSync(path.value, { force: true }))
      )
