/**
 * One question that `npm run bench` answers.
 */
import type { Table } from "./report.ts"
import type { RunningServer, ServerName } from "./servers.ts"

export type Measurement = {
  readonly section: string
  readonly cell: string
  readonly server: ServerName
  readonly round: number
} & Record<string, string | number>

export interface Context {
  /** The servers compared, ours first, already warm. */
  readonly servers: ReadonlyArray<RunningServer>
  readonly rounds: number
  readonly seconds: number
  /** Scales the large counts down, for a quick look. */
  readonly scale: number
  /** Only the cells whose names contain this, where a section can choose. */
  readonly match: string
  /** Only against our server. */
  readonly isAlone: boolean
  readonly record: (measurement: Measurement) => void
  readonly progress: (done: string) => void
}

export interface Section {
  readonly name: string
  readonly what: string
  /** How it measures, where that differs from what the page says of all. */
  readonly method?: string
  /** It is about our own server only, and starts what it needs. */
  readonly isAlone?: boolean
  /** It does without the load generator, and so without a compiler. */
  readonly needsNoLoad?: boolean
  /** It measures once, however many rounds are asked for. */
  readonly isOnce?: boolean
  readonly measure: (context: Context) => Promise<ReadonlyArray<Table>>
}
