/**
 * A simulated world: machines with programs, and the network between them, all moved by
 * one kernel. This is what a scenario, or a user's own simulation, is built on.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Network from "../protocol/Network.ts"
import type { Choices } from "./Choice.ts"
import { Kernel, type KernelOptions } from "./Kernel.ts"
import type { Tap } from "./network/Endpoint.ts"
import type { NetworkOptions } from "./network/Link.ts"
import { SimulatedNetwork } from "./network/SimulatedNetwork.ts"
import { Node } from "./Node.ts"

/**
 * How the world treats its programs and their bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorldOptions {
  readonly kernel: KernelOptions
  readonly network: NetworkOptions
}

/**
 * A world without any malice: nothing is preempted, cut, or slow.
 *
 * @since 0.1.0
 * @category constants
 */
export const calm: WorldOptions = {
  kernel: { preemptWithin: 0, resumeInTurn: false, hurryOneIn: 0 },
  network: {
    delayBelowMillis: 1,
    cutOneIn: 0,
    partialReadOneIn: 0,
    windowBytes: 64 * 1024,
    backlog: 128,
    giveUpAfterMillis: 60_000
  }
}

/**
 * @since 0.1.0
 * @category models
 */
export class World {
  readonly kernel: Kernel
  readonly network: SimulatedNetwork
  readonly nodes = new Map<string, Node>()
  /** Called when a program is no more: it ended, or its node crashed. */
  onEnd: ((node: Node) => void) | undefined

  constructor(choices: Choices, options: WorldOptions, tap: Tap) {
    this.kernel = new Kernel(choices, options.kernel)
    this.network = new SimulatedNetwork(this.kernel, options.network, tap)
  }

  /** The machine of this name; made when first asked for. */
  node(name: string): Node {
    const known = this.nodes.get(name)
    if (known !== undefined) return known
    const node = new Node(this.kernel, name)
    this.network.host(name)
    node.onEnd = (_, incarnation, state) => {
      this.network.programEnded(name, incarnation, state === "off")
      this.onEnd?.(node)
    }
    this.nodes.set(name, node)
    return node
  }

  /** Switches a machine on and starts its program. */
  start(name: string, program: Effect.Effect<unknown, unknown, Network.Network>): void {
    this.network.host(name).hasPower = true
    this.node(name).start(program, (owner) => Context.make(Network.Network, this.network.networkOf(name, owner)))
  }

  /**
   * Programs that can never go on: no timer is set, no task is ready, nothing is connected,
   * dialled or listened to that could wake them. Each with the fibers that wait.
   */
  leaks(): ReadonlyArray<string> {
    return [...this.nodes.values()].flatMap(({ incarnation, isUp, name }) => {
      const isKnown =
        incarnation.timers > 0 || this.kernel.tasksOf(incarnation) > 0 || this.network.serves(name, incarnation)
      if (!isUp || isKnown) return []
      const fibers = incarnation.waiting()
      return fibers.length === 0 ? [] : [`nothing in this world can wake ${name}, which waits in ${fibers.join("; ")}`]
    })
  }

  /** Runs until nothing is left to do, or `until` says so after a step, or the step limit is reached. */
  run(until: () => boolean, stepLimit: number): void {
    const { kernel } = this
    while (kernel.steps < stepLimit && kernel.step()) if (until()) return
  }
}
