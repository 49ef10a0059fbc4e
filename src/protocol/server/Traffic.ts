/**
 * What goes over the wire, counted: bytes both ways, and packets both ways by their type.
 * Metrics read it; the server decides nothing by it.
 *
 * @since 0.1.0
 */
import * as Packet from "../Packet.ts"

const types = Packet.fieldCounts.length

/**
 * Counts since the start.
 *
 * @since 0.1.0
 * @category models
 */
export class Traffic {
  receivedBytes = 0
  sentBytes = 0
  /** By the packet's number. What is no type is not counted: assignments beyond the end are void. */
  readonly received = new Float64Array(types)
  readonly sent = new Float64Array(types)
}
