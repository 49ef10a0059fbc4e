/**
 * Random bytes for a job server to read: valid packets and lines of text, the same with
 * something broken, and noise. Fast, since ten million packets are meant to go through,
 * and repeatable from a seed.
 */
import * as Packet from "../../../src/protocol/Packet.ts"

/** Xorshift: 32 bits at a time. */
export class Draw {
  private state: number

  constructor(seed: number) {
    this.state = seed | 0 || 1
  }

  bits(): number {
    let { state } = this
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.state = state
    return state >>> 0
  }

  below(limit: number): number {
    return this.bits() % limit
  }

  one<A>(items: ReadonlyArray<A>): A {
    return items[this.bits() % items.length]!
  }
}

/** The functions that jobs are submitted for. */
export const functions = ["f", "g", "h", "", "f\n", "Name", "x".repeat(512), "y".repeat(513), "\xff\x01"]
const uniques = ["", "-", "u1", "u2", "u3", "v".repeat(64), "w".repeat(65)]
const numbers = ["0", "1", "50", "100", "-1", "abc", "", "4294967296", "9".repeat(400), "32503680000", "1000"]
const workloads = ["", "x", "a\0b", "w".repeat(100), "z".repeat(5000)]
const lines = [
  "status",
  "workers",
  "prioritystatus",
  "show jobs",
  "show unique jobs",
  "version",
  "getpid",
  "verbose",
  "",
  " ",
  "a b c d e f",
  "maxqueue f 3",
  "maxqueue f 1 2 3",
  "maxqueue f",
  "create function f",
  "drop function f",
  "drop function Name",
  "cancel job H:fuzz:1",
  "shutdown",
  "\xff\xfe\x01"
]

// Weighted so that jobs are made, handed out and finished, and not only refused.
const types = [
  ...Array.from({ length: 42 }, (_, index) => index + 1),
  ...[1, 1, 4, 4, 7, 7, 7, 9, 9, 9, 9, 13, 13, 13, 18, 18, 21, 25, 28, 30, 30, 32, 33, 34, 36, 37, 38, 39, 39]
]

/** What a generator may know of a connection: the handles it was told last. */
export interface Handles {
  readonly assigned: string
  readonly created: string
}

/** Writes messages into one buffer that is used again and again. */
export class Bytes {
  readonly buffer = Buffer.alloc(256 * 1024)
  private readonly draw: Draw
  private used = 0

  constructor(draw: Draw) {
    this.draw = draw
  }

  /** Some messages, mostly intact. Valid until the next call; `packets` counts what was written. */
  next(messages: number, handles: Handles): { readonly bytes: Uint8Array; readonly packets: number } {
    const { draw } = this
    this.used = 0
    let packets = 0
    while (packets < messages && this.used < this.buffer.length - 16_384) {
      const start = this.used
      const kind = draw.below(100)
      if (kind < 4) this.text(`${draw.one(lines)}${draw.one(["\n", "\r\n"])}`)
      else this.packet(handles)
      // Rarely, since most of these end the connection.
      if (kind === 99) this.breakIt(start)
      packets++
    }
    return { bytes: this.buffer.subarray(0, this.used), packets }
  }

  private text(text: string): void {
    this.used += this.buffer.write(text, this.used, "latin1")
  }

  private packet(handles: Handles): void {
    const { buffer, draw } = this
    const type = draw.one(types)
    const fields: ReadonlyArray<string> = Packet.definitions[Packet.nameOf(type)!].fields
    const start = this.used
    this.used += 12
    // One in 64 lacks fields or has some too many.
    const count = draw.below(64) === 0 ? draw.below(9) : fields.length
    for (let index = 0; index < count; index++) {
      if (index > 0) buffer[this.used++] = 0
      this.text(this.field(fields[index] ?? "workload", handles))
    }
    buffer.write(draw.below(128) === 0 ? "\0RES" : "\0REQ", start, "latin1")
    buffer.writeUInt32BE(type, start + 4)
    buffer.writeUInt32BE(this.used - start - 12, start + 8)
  }

  private field(name: string, handles: Handles): string {
    const { draw } = this
    switch (name) {
      case "function":
        return draw.below(3) === 0 ? draw.one(functions) : "f"
      case "unique":
      case "reducer":
      case "aggregator":
        return draw.one(uniques)
      case "handle":
        return draw.below(8) === 0
          ? draw.one(["", "H:fuzz:1", "H:fuzz:99999999999", "q".repeat(64)])
          : draw.below(3) === 0
            ? handles.created
            : handles.assigned
      case "numerator":
      case "denominator":
      case "timeout":
      case "epoch":
        return draw.one(numbers)
      case "option":
        return draw.one(["exceptions", "Exceptions", "other"])
      default:
        return draw.one(workloads)
    }
  }

  /** Changes what was written since `start` into something that may be no Gearman any more. */
  private breakIt(start: number): void {
    const { buffer, draw } = this
    const length = this.used - start
    switch (draw.below(5)) {
      case 0: {
        const at = start + draw.below(length)
        buffer[at] = buffer[at]! ^ (1 << draw.below(8))
        break
      }
      case 1:
        this.used = start + draw.below(length)
        break
      case 2:
        if (length >= 12) buffer.writeUInt32BE(draw.one([0, 43, 0x7fffffff, 0x80000000, 0xffffffff]), start + 4)
        break
      case 3:
        if (length >= 12) buffer.writeUInt32BE(draw.one([0, 1, 0xffffffff, 0x7fffffff, 70_000]), start + 8)
        break
      default:
        for (let count = draw.below(64); count > 0; count--) buffer[this.used++] = draw.bits()
    }
  }
}
