/**
 * One planted bug for each family of properties. Each must be noticed whenever the suite
 * runs: a family that has gone blind would hold on every seed.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category models
 */
export interface Canary {
  /** The family, as `docs/simulation.md` calls it. */
  readonly family: string
  /** Numbers of the family's properties. */
  readonly properties: readonly [first: number, last: number]
  /** The planted bug that one of them must notice. */
  readonly mutant: string
}

/**
 * @since 0.1.0
 * @category constants
 */
export const canaries: ReadonlyArray<Canary> = [
  { family: "acceptance, identity, merging", properties: [1, 12], mutant: "25-unique-without-function" },
  { family: "assignment and workers", properties: [13, 22], mutant: "grabs-more-than-slots" },
  { family: "wake-up", properties: [23, 28], mutant: "01-sleep-unchecked" },
  { family: "order and fairness", properties: [29, 32], mutant: "23-normal-before-high" },
  { family: "client: failover and retry", properties: [33, 43], mutant: "no-backoff" },
  { family: "background and status", properties: [44, 47], mutant: "status-of-another" },
  { family: "map", properties: [48, 51], mutant: "64-map-by-completion" },
  { family: "wire", properties: [52, 55], mutant: "large-packets-awaited" },
  { family: "resources", properties: [56, 58], mutant: "workloads-counted-for-ever" },
  { family: "operators and limits", properties: [59, 61], mutant: "text-status-total" }
]
