/**
 * Moments that faults and interruptions wait for: of what programs tell, and of packets, as
 * a program touches them.
 *
 * @since 0.1.0
 */
import * as Codec from "../../protocol/Codec.ts"
import * as Packet from "../../protocol/Packet.ts"
import type { Endpoint, Tap } from "../network/Endpoint.ts"
import type { Scenario } from "./Scenario.ts"

/**
 * A handler begins, right after JOB_ASSIGN, or ends, before its result is sent; a caller asks;
 * or a packet of that name is got or given.
 *
 * @since 0.1.0
 * @category models
 */
export type Occasion = "Began" | "Finished" | "Asked" | Packet.Name

/**
 * What waits for a moment.
 *
 * @since 0.1.0
 * @category models
 */
export interface Waiting {
  readonly on: Occasion
  readonly concerns: (node: string) => boolean
  readonly happens: () => void
}

/**
 * Tells whether an occasion is a packet.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isPacket = (on: Occasion | undefined): on is Packet.Name => on !== undefined && on in Packet.definitions

/** Whether anything of a scenario waits for a packet. */
const awaitsPackets = ({ clients, faults }: Scenario): boolean =>
  faults.some(({ on }) => isPacket(on)) ||
  clients.some(({ calls }) => calls.some(({ interruptOn }) => interruptOn !== undefined))

/**
 * @since 0.1.0
 * @category models
 */
export class Moments {
  private readonly waiting: Array<{ readonly of: Waiting; left: number }> = []
  private readonly decoders = new WeakMap<Endpoint, { readonly got: Codec.Decoder; readonly gave: Codec.Decoder }>()

  /** For the n-th time from now on, from 1. */
  wait(nth: number, of: Waiting): void {
    this.waiting.push({ of, left: nth })
  }

  /** Something has happened that concerns these machines. */
  happened(on: Occasion, ...nodes: ReadonlyArray<string>): void {
    for (const one of this.waiting) {
      if (one.of.on === on && nodes.some(one.of.concerns) && --one.left === 0) one.of.happens()
    }
  }

  /** The tap, through which packets are seen where a scenario waits for some. */
  through(tap: Tap, scenario: Scenario): Tap {
    if (!awaitsPackets(scenario)) return tap
    return {
      dialled: (from, to) => tap.dialled?.(from, to),
      opened: (endpoint) => tap.opened(endpoint),
      closed: (endpoint) => tap.closed(endpoint),
      got: (endpoint, bytes) => {
        tap.got(endpoint, bytes)
        this.decodersOf(endpoint).got.push(bytes)
      },
      gave: (endpoint, bytes) => {
        tap.gave(endpoint, bytes)
        this.decodersOf(endpoint).gave.push(bytes)
      }
    }
  }

  private decodersOf(endpoint: Endpoint) {
    const known = this.decoders.get(endpoint)
    if (known !== undefined) return known
    const packet = (frame: Codec.Frame) => this.happened(Packet.nameOf(frame.type)!, endpoint.host)
    const made = { got: new Codec.Decoder({ packet }), gave: new Codec.Decoder({ packet }) }
    this.decoders.set(endpoint, made)
    return made
  }
}
