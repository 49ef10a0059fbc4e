/**
 * Bugs of what few users of a job server ask of it, which no scenario came near at first.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

const needs = ["workload"] as const

/**
 * @since 0.1.0
 * @category constants
 */
export const seldom: ReadonlyArray<Mutant> = [
  {
    id: "rules-ignored",
    title: "Rules of who may submit what are not kept",
    file: "src/protocol/server/Requests.ts",
    find: "if (session.rights.may(action, key)) return false",
    replace: "if (action !== undefined) return false",
    property: 60,
    needs
  },
  {
    id: "limit-of-two-is-for-three",
    title: "maxqueue with two numbers limits jobs of low priority too",
    file: "src/protocol/server/TextCommands.ts",
    find: "low ?? 0]",
    replace: "low ?? normal]",
    property: 60,
    needs
  },
  {
    id: "wall-wait-unbounded",
    title: "A clock that was set forward is noticed only when the old wait is over",
    file: "src/protocol/server/JobServerCore.ts",
    find: "Math.min(monotonic, wall, maxWallWaitMillis)",
    replace: "Math.min(monotonic, wall)",
    property: 27,
    needs: ["time"]
  },
  {
    id: "unique-of-the-oldest",
    title: "GET_STATUS_UNIQUE tells of the oldest job of that unique",
    file: "src/protocol/server/Merging.ts",
    find: "job.number > newest.number",
    replace: "job.number < newest.number",
    property: 46,
    needs
  },
  {
    id: "abandoned-shown-as-wanted",
    title: "show jobs tells of a job that everybody has left as of one that is waited for",
    file: "src/protocol/server/Lists.ts",
    find: "isIgnored: job.isCancelled || job.isAbandoned",
    replace: "isIgnored: job.isCancelled",
    property: 59,
    needs
  }
]
