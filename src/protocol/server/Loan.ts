/**
 * Bytes that are on their way to peers, by reference and in lent memory, and the question
 * whether all of them have left it.
 *
 * @since 0.1.0
 */

/**
 * Who hands bytes to a transport.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sender {
  /** Whether the transport has done with the first so many bytes of all it was ever given. */
  readonly hasSent: (bytes: number) => boolean
}

/**
 * One loan. All who shall send it are given it before any of them sends.
 *
 * @since 0.1.0
 * @category models
 */
export class Loan {
  /** What is sent. */
  readonly bytes: Uint8Array
  /** What it lies in. */
  readonly buffer: Uint8Array
  /** Those that have it and have not given it to their transport. */
  private waiting = 0
  private readonly underWay = new Array<{ readonly sender: Sender; readonly end: number }>()

  constructor(bytes: Uint8Array, buffer: Uint8Array) {
    this.bytes = bytes
    this.buffer = buffer
  }

  /** One more has it. */
  begin(): void {
    this.waiting++
  }

  /** One of them has given it to its transport, which is through with it after so many bytes, or gives it up. */
  handOver(sender: Sender, end: number): void {
    this.waiting--
    this.underWay.push({ sender, end })
  }

  /** Nobody reads it any more. */
  get isOver(): boolean {
    if (this.waiting > 0) return false
    for (let last = this.underWay.at(-1); last !== undefined; last = this.underWay.at(-1)) {
      if (!last.sender.hasSent(last.end)) return false
      this.underWay.pop()
    }
    return true
  }
}
