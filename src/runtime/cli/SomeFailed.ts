/**
 * The error of a command for many things at once, some of which went wrong.
 */
import * as Schema from "effect/Schema"

/** Each that failed has been told of. */
export class SomeFailed extends Schema.TaggedError<SomeFailed>("effect-gearman/cli/SomeFailed")("SomeFailed", {
  failed: Schema.Number,
  total: Schema.Number,
  /** What there were many of, and what became of them, as in "jobs failed". */
  what: Schema.String
}) {
  override get message() {
    return `${this.failed} of ${this.total} ${this.what}`
  }
}
