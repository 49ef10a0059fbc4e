/**
 * One process's share of a campaign: prints a JSON object a line, `{ failure }`,
 * `{ progress }` and at last `{ done }`. Started by `campaigns.ts`.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- what it does has to be done before the others are loaded
import "./lean.ts"
import { campaign, type CampaignOptions, type Tally } from "../explore/campaign.ts"
import { exitCodeOf, textOf } from "./show.ts"

/**
 * @since 0.1.0
 * @category models
 */
export type Share = Omit<CampaignOptions, "onFailure" | "onProgress">

/**
 * @since 0.1.0
 * @category models
 */
export interface Failure {
  readonly seed: number
  readonly failure: string
  readonly code: number
}

/**
 * @since 0.1.0
 * @category models
 */
export type Message = { readonly failure: Failure } | { readonly progress: Tally } | { readonly done: Tally }

const say = (message: Message) => process.stdout.write(`${JSON.stringify(message)}\n`)

const done = campaign({
  ...(JSON.parse(process.argv[2]!) as Share),
  onFailure: ({ failure, scenario }) =>
    say({ failure: { seed: scenario.seed, failure: textOf(failure!), code: exitCodeOf(failure) } }),
  onProgress: (progress) => say({ progress })
})
say({ done })
