/**
 * Planted bugs of the distributed map: which items failed, how far it is, what a failure
 * ends, and how streams of results are read.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

const file = "src/protocol/DistributedMap.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const maps: ReadonlyArray<Mutant> = [
  {
    id: "map-blames-the-first",
    title: "Whichever item has failed, the first one is named",
    file: "src/protocol/map/MapItem.ts",
    find: 'new ItemFailed({ index, kind: "thrown",',
    replace: 'new ItemFailed({ index: 0, kind: "thrown",',
    property: 48,
    needs: ["workload"]
  },
  {
    id: "map-failures-uncounted",
    title: "Items that fail do not count as done",
    file,
    find: "      Effect.tapError(() => ended(1))\n",
    replace: "",
    property: 49,
    needs: ["workload"]
  },
  {
    id: "map-collects-nothing",
    title: "A failure ends a map that was to keep it",
    file,
    find: 'return onFailure === "collect" ? Effect.result(counted) : counted',
    replace: "return counted",
    property: 49,
    needs: ["workload"]
  },
  {
    id: "map-fails-last",
    title: "A map is told of a failure only when all its items are done",
    file,
    find: "    Effect.forEach(items, followed(run, options, countOf(items)), { concurrency: windowOf(options) })",
    replace:
      "    Effect.flatMap(\n      Effect.forEach(items, (item, index) => Effect.exit(followed(run, options, countOf(items))(item, index)), { concurrency: windowOf(options) }),\n      (exits) => Effect.forEach(exits, (exit) => exit)\n    )",
    property: 49,
    needs: ["workload"]
  },
  {
    id: "map-stream-by-input",
    title: "A stream's results wait for each other, though they were wanted as they come",
    file,
    find: 'unordered: options.order === "completion"',
    replace: "unordered: false",
    property: 51,
    needs: ["workload"]
  },
  {
    id: "map-stream-reads-ahead",
    title: "A stream's items are begun ahead of its window while results wait to be read",
    file,
    find: "        concurrency: windowOf(options),\n        unordered",
    replace: "        concurrency: windowOf(options) + 2,\n        unordered",
    property: 50,
    needs: ["workload"]
  }
]
