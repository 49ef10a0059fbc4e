/**
 * Other people's clients, workers and tools with our server, worker and client.
 */
import { it } from "@effect/vitest"
import { cases } from "./cases.ts"
import { describeWith } from "./peers.ts"

for (const each of cases) {
  const who = each.client ?? each.worker ?? ""
  const title = each.group.startsWith("pair") || who === "" ? each.title : `${who}: ${each.title}`
  describeWith(each.needs, title, () => {
    it("get along", { timeout: 120_000 }, each.run)
  })
}
