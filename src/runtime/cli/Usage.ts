/**
 * A command line that makes no sense for a reason that its parser cannot know; exit code 2.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { visible } from "../Visible.ts"

/** What is wrong with it. */
export class Usage extends Schema.TaggedError<Usage>("effect-gearman/cli/Usage")("Usage", {
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

/** Fails where a word would end the line that it is sent in: what stands behind would be a command of its own. */
export const mustBeOneLine = (text: string): Effect.Effect<void, Usage> =>
  visible(text) !== text
    ? Effect.fail(new Usage({ problem: `"${visible(text)}" has a control character, which no command may have` }))
    : Effect.void

/** Fails where what is given as a job's handle is none. */
export const mustBeHandle = (text: string): Effect.Effect<void, Usage> =>
  /^[^\s]+$/.test(text)
    ? mustBeOneLine(text)
    : Effect.fail(new Usage({ problem: `"${visible(text)}" is no handle: these have neither blanks nor line ends` }))
