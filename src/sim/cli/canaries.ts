/**
 * One planted bug for each family of properties, hunted whenever the suite runs.
 *
 * @since 0.1.0
 */
import { type Canary, canaries } from "../mutants/canaries.ts"
import { find, type Hunt, huntAll, toJson } from "./hunts.ts"
import { print } from "./show.ts"

const noticed = ({ properties: [first, last] }: Canary, { killed, property }: Hunt): boolean => {
  const number = Number.parseInt(property ?? "", 10)
  return killed && number >= first && number <= last
}

/**
 * Hunts one planted bug for each family of properties; 1 when a family did not notice its own.
 *
 * @since 0.1.0
 * @category commands
 */
export const runCanaries = async (options: {
  readonly cpuSeconds: number
  readonly json: boolean
  readonly processes: number
}): Promise<number> => {
  const { cpuSeconds, json, processes } = options
  const list = canaries.map((canary) => {
    const mutant = find(canary.mutant)
    if (mutant instanceof Error) throw mutant
    return mutant
  })
  const limits = { from: 1, seeds: Number.MAX_SAFE_INTEGER, cpuSeconds, shrinks: false, processes }
  let blind = 0
  await huntAll(list, limits, (hunt) => {
    const canary = canaries.find(({ mutant }) => mutant === hunt.mutant.id)!
    const isNoticed = noticed(canary, hunt)
    if (!isNoticed) blind++
    if (json) return print(JSON.stringify({ family: canary.family, noticed: isNoticed, ...toJson(hunt) }))
    const how = isNoticed
      ? `noticed by ${hunt.property}`
      : `NOT NOTICED BY ITS FAMILY, but ${hunt.property ?? "by none"}`
    print(`${canary.family}: ${canary.mutant} ${how} (${hunt.cpuSeconds} CPU-s, ${hunt.seeds} seeds)`)
  })
  if (!json) print(`${list.length - blind} of ${list.length} families of properties noticed their planted bug`)
  return blind === 0 ? 0 : 1
}
