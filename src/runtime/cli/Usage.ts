/**
 * A command line that makes no sense for a reason that its parser cannot know; exit code 2.
 */
import * as Schema from "effect/Schema"

/** What is wrong with it. */
export class Usage extends Schema.TaggedError<Usage>("effect-gearman/cli/Usage")("Usage", {
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}
