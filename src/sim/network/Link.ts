/**
 * The way from one machine to another. Faults change it; the bytes of every connection
 * between the two, in this direction, travel over it.
 *
 * @since 0.1.0
 */
import type { Kernel } from "../Kernel.ts"

/**
 * What connections may look like on the way; a scenario draws them.
 *
 * @since 0.1.0
 * @category models
 */
export interface NetworkOptions {
  /** Each segment and each handshake step takes from 0 to this many milliseconds less one, besides what a fault adds. */
  readonly delayBelowMillis: number
  /** One segment in this many is cut anywhere; 0 never. */
  readonly cutOneIn: number
  /** One read in this many gets only a part of what is there, or many small chunks; 0 never. */
  readonly partialReadOneIn: number
  /** Bytes that may be on the way or wait unread, for each connection and direction. */
  readonly windowBytes: number
  /** Connections that may wait to be accepted. */
  readonly backlog: number
  /** Unacknowledged data, or a silent peer that is gone, break a connection after so long. */
  readonly giveUpAfterMillis: number
}

/**
 * @since 0.1.0
 * @category models
 */
export class Link {
  readonly from: string
  readonly to: string
  /** How many faults block it. */
  blocks = 0
  /** Milliseconds that faults add at most. */
  extraDelayMillis = 0
  /** What goes on when the way is open again. */
  private readonly stuck: Array<() => void> = []
  private readonly label: string
  private readonly kernel: Kernel
  private readonly options: NetworkOptions

  constructor(kernel: Kernel, options: NetworkOptions, from: string, to: string) {
    this.kernel = kernel
    this.options = options
    this.from = from
    this.to = to
    this.label = `delay ${from}→${to}`
  }

  /** The time something takes that leaves now. */
  delay(): number {
    return this.kernel.choices.choose(this.label, this.options.delayBelowMillis + this.extraDelayMillis)
  }

  /** Carries something over; what is on the way while the link is blocked arrives later. */
  carry(delayMillis: number, arrive: () => void): void {
    this.kernel.timer(this.kernel.world, delayMillis, () => this.arrived(arrive))
  }

  private arrived(arrive: () => void): void {
    if (this.blocks > 0) this.stuck.push(arrive)
    else arrive()
  }

  block(): void {
    this.blocks++
  }

  unblock(): void {
    this.blocks--
    if (this.blocks > 0) return
    for (const arrive of this.stuck.splice(0)) this.carry(this.delay(), arrive)
  }
}
