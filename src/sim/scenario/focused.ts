/**
 * Small scenarios about one thing each. Where everything may happen, what needs five things
 * at once happens seldom; here the five are there from the start, nobody else is in the
 * way, and what is left to chance is their order.
 *
 * @since 0.1.0
 */
import { Dice } from "./Dice.ts"
import * as clients from "./focused/clients.ts"
import type { Focus } from "./focused/Focus.ts"
import * as moments from "./focused/moments.ts"
import * as operating from "./focused/operators.ts"
import * as outages from "./focused/outages.ts"
import * as seldom from "./focused/seldom.ts"
import * as servers from "./focused/servers.ts"
import * as sleeping from "./focused/sleeping.ts"
import * as workers from "./focused/workers.ts"
import { draw, drawWorld, type Scenario } from "./Scenario.ts"

const focuses: ReadonlyArray<Focus> = [
  ...Object.values(servers),
  ...Object.values(sleeping),
  ...Object.values(workers),
  ...Object.values(clients),
  ...Object.values(outages),
  ...Object.values(moments),
  ...Object.values(operating),
  ...Object.values(seldom)
]

/**
 * The scenario of a seed in a campaign: the reference mix, or one that is about one thing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const drawCampaign = (seed: number): Scenario => {
  const dice = new Dice(seed ^ 0x3243f6a8)
  if (dice.oneIn(5)) return draw(seed)
  const world = drawWorld(dice)
  const { faults = [], network, operators = [], peers = [], ...machines } = dice.of(focuses)(dice)
  const times = [
    ...machines.clients.flatMap(({ calls }) => calls),
    ...peers.flatMap(({ sayings }) => sayings),
    ...operators.flatMap(({ lines }) => lines)
  ]
  const latest = Math.max(0, ...times.map(({ at }) => at), ...machines.workers.map(({ changesAt }) => 2 * changesAt))
  return {
    seed,
    world: {
      network: { ...world.network, ...network },
      kernel: { ...world.kernel, hurryOneIn: dice.oneIn(4) ? world.kernel.hurryOneIn : 0 }
    },
    ...machines,
    peers,
    operators,
    faults,
    healsAt: Math.ceil(latest * 1.2) + Math.max(0, ...faults.map(({ at, lastsMillis }) => at + lastsMillis))
  }
}
