/**
 * `--pid-file`, by which scripts find a command that runs long. `gearman -i` leaves its
 * file behind; here it goes with the process.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Flag from "effect/cli/Flag"
import * as PidFile from "../PidFile.ts"
import { Usage } from "./Usage.ts"

/** The flag. */
export const flag = Flag.String("pid-file").pipe(
  Flag.withAlias("i"),
  Flag.withMetavar("FILE"),
  Flag.withDescription("File that holds the process id while the command runs"),
  Flag.optional
)

/** Writes the file, where one was asked for. One that cannot be written is a mistake on the command line. */
export const write = (path: Option.Option<string>): Effect.Effect<void, PidFile.PidFileError | Usage> =>
  Option.isNone(path)
    ? Effect.void
    : Effect.mapError(PidFile.write(path.value), (error) =>
        error.holder === undefined ? new Usage({ problem: error.message }) : error
      )
