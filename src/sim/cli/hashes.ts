/**
 * One process of a comparison between two: prints each seed's fingerprint, a line each.
 * Started by `pairs.ts`.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- what it does has to be done before the others are loaded
import "./lean.ts"
import { checkSeed, Nondeterminism } from "../explore/check.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Share {
  readonly from: number
  readonly seeds: number
  readonly seconds: number
  /** Even or odd seeds are run again here, and compared: the other process does so with the others. */
  readonly again: 0 | 1
}

const { again, from, seconds, seeds } = JSON.parse(process.argv[2]!) as Share
const endsAt = performance.now() + seconds * 1000
for (let seed = from; seed < from + seeds && performance.now() < endsAt; seed++) {
  const { failure, hash } = checkSeed(seed, seed % 2 === again ? 2 : 1)
  process.stdout.write(`${failure instanceof Nondeterminism ? failure.message.replaceAll("\n", " ") : hash}\n`)
}
