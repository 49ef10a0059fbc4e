/**
 * A 128-bit fingerprint of a whole run. Every decision, every byte and every step's
 * time goes in, so two runs with equal fingerprints did the same things in the same
 * order. Not cryptographic: nobody attacks it, and it runs millions of times a second.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category models
 */
export class TraceHash {
  private a = 0x6a09e667 | 0
  private b = 0xbb67ae85 | 0
  private c = 0x3c6ef372 | 0
  private d = 0xa54ff53a | 0

  /** Takes one 32-bit number. */
  number(value: number): void {
    const mixed = Math.imul(this.a ^ value, 0x9e3779b1)
    this.a = (this.b + ((mixed << 15) | (mixed >>> 17))) | 0
    this.b = Math.imul(this.c ^ this.a, 0x85ebca6b)
    this.c = (this.d + ((this.b << 13) | (this.b >>> 19))) | 0
    this.d = mixed ^ (this.c >>> 7)
  }

  /** Takes the bytes from `start` to `end`, and how many they are. */
  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.number(end - start)
    let at = start
    for (; at + 4 <= end; at += 4) {
      this.number(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    }
    for (; at < end; at++) this.number(bytes[at]!)
  }

  /** Takes a text. */
  text(text: string): void {
    this.number(text.length)
    for (let at = 0; at < text.length; at++) this.number(text.charCodeAt(at))
  }

  /** 32 hexadecimal digits. */
  digest(): string {
    let text = ""
    for (const word of [this.a, this.b, this.c, this.d]) text += (word >>> 0).toString(16).padStart(8, "0")
    return text
  }
}
