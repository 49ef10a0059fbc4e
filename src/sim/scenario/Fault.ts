/**
 * What can go wrong, and how it is drawn. `faults.ts` makes it happen.
 *
 * @since 0.1.0
 */
import type { Dice } from "./Dice.ts"
import type { Occasion } from "./moments.ts"

/**
 * Something that goes wrong at a time, and is right again after a while.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fault {
  readonly kind: FaultKind | "drain"
  readonly at: number
  /**
   * It happens not at a time but in the moment of something that concerns one of its
   * machines. For a server handlers of its jobs count, and of packets those that `node` gets or gives.
   */
  readonly on?: Occasion | undefined
  /** The how manieth time, from 1. */
  readonly nth?: number | undefined
  /** 0 is for ever. */
  readonly lastsMillis: number
  /** The machine it happens to. */
  readonly node: string
  /** The other machine, for faults of the way between two. */
  readonly peer: string
  /** How much: milliseconds of a clock jump or a delay, thousandths of a drift. */
  readonly amount: number
}

/**
 * @since 0.1.0
 * @category constants
 */
export const faultKinds = [
  "crash",
  "power",
  "restart",
  "pause",
  "partition",
  "oneway",
  "reset",
  "delay",
  "slow",
  "refuse",
  "hang",
  "nameless",
  "jump",
  "drift",
  "isolate",
  "swizzle"
] as const

/**
 * What can go wrong:
 *
 * - `crash`: the program dies without a finalizer; its system closes its connections.
 * - `power`: the machine loses power; nobody is told. Both start again afterwards.
 * - `restart`: the program is told to stop, does, and starts again.
 * - `pause`: the program stands still.
 * - `partition`, `oneway`: nothing passes between two machines, or not in one direction.
 * - `isolate`, `swizzle`: a machine is cut off from all, at once, or one by one in one
 *   order and back in another.
 * - `reset`: the connections between two machines break, in the middle of whatever is on the way.
 * - `delay`: the way between two machines gets slow and uneven.
 * - `slow`: a program does not get to read what has arrived.
 * - `refuse`, `hang`, `nameless`: dialling a machine is refused, not answered, or finds no such name.
 * - `jump`, `drift`: a machine's wall clock is set, or its crystal runs at another pace.
 *
 * A fault of a scenario may be a `drain`, too, which only our job server knows: it takes no new
 * jobs and ends when it has done what it has; what it has not done in time, it leaves.
 *
 * @since 0.1.0
 * @category models
 */
export type FaultKind = (typeof faultKinds)[number]

/**
 * What faults may happen to: machines, machines that others dial, and the way between two.
 *
 * @since 0.1.0
 * @category models
 */
export interface Targets {
  readonly machines: ReadonlyArray<string>
  readonly dialled: ReadonlyArray<string>
  readonly ways: ReadonlyArray<readonly [one: string, other: string]>
}

const onWays = new Set<FaultKind>(["partition", "oneway", "reset", "delay"])
const onDialled = new Set<FaultKind>(["refuse", "hang", "nameless"])

/**
 * Some faults of some of the kinds, or none.
 *
 * @since 0.1.0
 * @category constructors
 */
export const drawFaults = (
  dice: Dice,
  targets: Targets,
  kinds: ReadonlyArray<FaultKind>,
  spanMillis: number
): ReadonlyArray<Fault> => {
  const able = kinds.filter((kind) =>
    onWays.has(kind)
      ? targets.ways.length > 0
      : onDialled.has(kind)
        ? targets.dialled.length > 0
        : targets.machines.length > 0
  )
  if (dice.oneIn(5)) return []
  const some = dice.some(able, dice.of([10, 25, 60]))
  if (some.length === 0) return []
  const longest = dice.of([20, 500, 8000, 40_000])
  return Array.from({ length: dice.between(1, 8) }, () => {
    const kind = dice.of(some)
    const at = dice.below(spanMillis)
    const lastsMillis = dice.between(1, longest)
    return { kind, at, lastsMillis, ...drawPlace(dice, kind, targets), amount: drawAmount(dice, kind) }
  })
}

/** What is sudden does most harm in the moment when something is half done. */
const sudden = new Set<Fault["kind"]>(["crash", "power", "restart", "pause", "reset", "isolate", "partition", "oneway"])

/**
 * Some of the sudden ones happen in a moment instead of at a time.
 *
 * @since 0.1.0
 * @category constructors
 */
export const withTriggers = (dice: Dice, faults: ReadonlyArray<Fault>): ReadonlyArray<Fault> =>
  faults.map((fault) => {
    if (!sudden.has(fault.kind) || fault.lastsMillis === 0 || !dice.oneIn(3)) return fault
    const isCaller = fault.node.startsWith("client") || (fault.peer.startsWith("client") && dice.oneIn(2))
    const on: Occasion = isCaller ? "Asked" : dice.of(["Began", "Finished"])
    return { ...fault, at: 0, on, nth: dice.between(1, 6) }
  })

const drawPlace = (dice: Dice, kind: FaultKind, targets: Targets): Pick<Fault, "node" | "peer"> => {
  if (!onWays.has(kind)) return { node: dice.of(onDialled.has(kind) ? targets.dialled : targets.machines), peer: "" }
  const [one, other] = dice.of(targets.ways)
  return dice.oneIn(2) ? { node: one, peer: other } : { node: other, peer: one }
}

const drawAmount = (dice: Dice, kind: FaultKind): number => {
  if (kind === "drift") return dice.between(-100, 100)
  if (kind === "jump") return dice.between(-60_000, 60_000)
  return dice.between(1, 500)
}
