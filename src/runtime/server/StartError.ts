/**
 * Why a server process could not start, in one line for people. Network errors have
 * their own type.
 */
import * as Schema from "effect/Schema"

/** Something the process needs was refused. */
export class StartError extends Schema.TaggedError<StartError>("effect-gearman/server/StartError")("StartError", {
  problem: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message() {
    return this.problem
  }
}
