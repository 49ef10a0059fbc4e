/**
 * One process of a comparison between two: runs every second seed and prints its
 * fingerprint. What the other process has run comes in on its input, and is run again here,
 * unwatched, and compared. Started by `pairs.ts`.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- what it does has to be done before the others are loaded
import "./lean.ts"
import { createInterface } from "node:readline"
import { Choices } from "../Choice.ts"
import { check } from "../explore/check.ts"
import { simulate } from "../scenario/run.ts"
import { drawCampaign } from "../scenario/focused.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Share {
  /** The first seed; the next is two more. */
  readonly from: number
  /** The seed to end before. */
  readonly to: number
  readonly seconds: number
}

/**
 * A run: its fingerprint, and what another one has to know to end where it did.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ran {
  readonly seed: number
  readonly hash: string
  /** None where it failed. */
  readonly reached?: ReadonlyArray<number> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export type Message =
  | { readonly ran: Ran }
  | { readonly compared: number; readonly difference?: string | undefined }
  | { readonly done: true }

const say = (message: Message) => process.stdout.write(`${JSON.stringify(message)}\n`)

const compare = ({ hash, reached, seed }: Ran): void => {
  const scenario = drawCampaign(seed)
  const again = simulate(scenario, Choices.seeded(seed), { again: reached })
  if (again.hash === hash) return void say({ compared: seed })
  const here = check(scenario, 2).failure?.message ?? "here each run is like the other"
  const zone = process.env["TZ"] ?? "another time zone"
  say({ compared: seed, difference: `seed ${seed}: ${hash}, and in ${zone} ${again.hash}; ${here}` })
}

const { from, seconds, to } = JSON.parse(process.argv[2]!) as Share
const endsAt = performance.now() + seconds * 1000
createInterface({ input: process.stdin }).on("line", (line) => compare(JSON.parse(line) as Ran))
for (let seed = from; seed < to && performance.now() < endsAt; seed += 2) {
  const { failure, hash, reached } = simulate(drawCampaign(seed), Choices.seeded(seed))
  say({ ran: { seed, hash, reached: failure === undefined ? reached : undefined } })
  // Lets in what the other process has said meanwhile.
  await new Promise((done) => setImmediate(done))
}
say({ done: true })
