/**
 * Every nondeterministic decision of a run is `choose(label, n)`: a number below `n`,
 * drawn from a seed, or taken from an earlier run's record.
 *
 * 0 is always the dull choice (the oldest task, the whole buffer, no delay), so a record
 * is written down as the few choices that were not 0. It is kept by label and by how
 * often the label was asked before: code that asks a new question elsewhere, or one
 * question fewer, does not shift the answers to all others.
 *
 * @since 0.1.0
 */
import { TraceHash } from "./TraceHash.ts"

/**
 * A small, fast generator (sfc32) with 128 bits of state.
 *
 * @since 0.1.0
 * @category models
 */
export class Generator {
  private a: number
  private b: number
  private c: number
  private counter = 1

  constructor(seed: number) {
    this.a = seed | 0
    this.b = Math.floor(seed / 0x1_0000_0000) | 0
    this.c = 0x9e3779b9 | 0
    // Close seeds differ in few bits; these rounds spread them.
    for (let round = 0; round < 12; round++) this.next()
  }

  /** A number from 0 to 2^32 - 1. */
  next(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  below(n: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * n)
  }
}

/**
 * A run's choices that were not 0, by label: pairs of how often the label was asked
 * before, and the answer. `{ "run": [3, 1, 17, 2] }` says: the fourth time `run` was
 * asked the answer was 1, the eighteenth time 2.
 *
 * @since 0.1.0
 * @category models
 */
export type Record = { readonly [label: string]: ReadonlyArray<number> }

interface LabelState {
  readonly id: number
  asked: number
  /** Pairs, as in `Record`. */
  readonly answers: Array<number>
  readonly replayed: ReadonlyArray<number>
  replayedAt: number
}

const nothing: ReadonlyArray<number> = []

/**
 * Where a run's decisions come from.
 *
 * @since 0.1.0
 * @category models
 */
export class Choices {
  /** How many decisions were taken. */
  count = 0
  readonly hash = new TraceHash()
  /** Called with each decision; for finding where two runs part. */
  onChoice: ((label: string, n: number, value: number) => void) | undefined
  private readonly labels = new Map<string, LabelState>()
  private readonly generator: Generator | undefined
  private readonly replay: Record | undefined
  /** The same decisions from the beginning, for one who has to begin anew. */
  readonly anew: () => Choices

  private constructor(generator: Generator | undefined, replay: Record | undefined, anew: () => Choices) {
    this.generator = generator
    this.replay = replay
    this.anew = anew
  }

  /** Decisions drawn from a seed, a whole number below 2^53. */
  static seeded(seed: number): Choices {
    return new Choices(new Generator(seed), undefined, () => Choices.seeded(seed))
  }

  /** Decisions of an earlier run; what it does not tell is 0. */
  static replayed(record: Record): Choices {
    return new Choices(undefined, record, () => Choices.replayed(record))
  }

  /** A number from 0 to `n` - 1. With `n` of 1 or less there is nothing to decide: 0. */
  choose(label: string, n: number): number {
    if (n <= 1) return 0
    const state = this.labels.get(label) ?? this.addLabel(label)
    const value = this.generator === undefined ? this.recorded(state, n) : this.generator.below(n)
    if (value !== 0) state.answers.push(state.asked, value)
    state.asked++
    this.count++
    this.hash.number((state.id << 20) ^ (n << 10) ^ value)
    if (this.onChoice !== undefined) this.onChoice(label, n, value)
    return value
  }

  /** True once in `n` times; the dull answer is no. */
  oneIn(label: string, n: number): boolean {
    return n > 1 ? this.choose(label, n) === 1 : n === 1
  }

  /** What was chosen so far. */
  record(): Record {
    const record: { [label: string]: ReadonlyArray<number> } = {}
    for (const [label, { answers }] of this.labels) if (answers.length > 0) record[label] = answers
    return record
  }

  private addLabel(label: string): LabelState {
    const replayed = this.replay?.[label] ?? nothing
    const state: LabelState = { id: this.labels.size, asked: 0, answers: [], replayed, replayedAt: 0 }
    this.labels.set(label, state)
    this.hash.text(label)
    return state
  }

  private recorded(state: LabelState, n: number): number {
    if (state.replayed[state.replayedAt] !== state.asked) return 0
    const value = state.replayed[state.replayedAt + 1]!
    state.replayedAt += 2
    // A question that lost some of its answers since keeps a valid one.
    return value < n ? value : value % n
  }
}
