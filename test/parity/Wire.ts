/**
 * A raw TCP connection to a job server, as the parity tests need it: bytes in, bytes
 * out, and whether the other side has closed. It knows nothing of packets, so that no
 * mistake of the codec can hide here.
 */
import * as Net from "node:net"

export class Wire {
  private readonly socket: Net.Socket
  private buffer = Buffer.alloc(0)
  private ended = false
  private wake: (() => void) | undefined

  private constructor(socket: Net.Socket) {
    this.socket = socket
    socket.on("data", (chunk) => {
      this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk])
      this.wake?.()
    })
    // A reset is an end like any other; "close" follows it.
    socket.on("error", () => {})
    for (const event of ["end", "close"]) {
      socket.on(event, () => {
        this.ended = true
        this.wake?.()
      })
    }
  }

  static open(port: number, host = "127.0.0.1"): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = Net.connect({ port, host, noDelay: true })
      socket.once("error", reject)
      socket.once("connect", () => {
        socket.off("error", reject)
        resolve(new Wire(socket))
      })
    })
  }

  /** True when the server has closed and everything it sent has been taken. */
  get closed(): boolean {
    return this.ended && this.buffer.length === 0
  }

  /** True when the server has closed, whatever is still to be taken. */
  get peerEnded(): boolean {
    return this.ended
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Stops reading for good, as a client does that is stuck. */
  pause(): void {
    this.socket.pause()
  }

  /** One byte per write, each in a segment of its own. */
  async dribble(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) {
      this.socket.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** The next `length` bytes; fewer when the time is up or the server closed. */
  async take(length: number, withinMillis: number): Promise<Buffer> {
    await this.until(() => this.buffer.length >= length || this.ended, withinMillis)
    return this.cut(Math.min(length, this.buffer.length))
  }

  /** Everything up to and without the mark, which is taken too; `undefined` when it does not come. */
  async takeThrough(mark: Uint8Array, withinMillis: number): Promise<Buffer | undefined> {
    let at = -1
    await this.until(() => (at = this.buffer.indexOf(mark)) !== -1 || this.ended, withinMillis)
    if (at === -1) return undefined
    const bytes = this.cut(at)
    this.cut(mark.length)
    return bytes
  }

  /** Whatever has arrived. */
  takeAll(): Buffer {
    return this.cut(this.buffer.length)
  }

  /** Waits for bytes or the end; false when neither came in time. */
  async activity(withinMillis: number): Promise<boolean> {
    return this.until(() => this.buffer.length > 0 || this.ended, withinMillis)
  }

  /** Waits for the server to close; bytes that come before stay to be taken. */
  async end(withinMillis: number): Promise<boolean> {
    return this.until(() => this.ended, withinMillis)
  }

  /** Closes in order and waits for the socket to be gone. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed) return resolve()
      this.socket.resume()
      this.socket.once("close", () => resolve())
      this.socket.end()
      this.socket.destroySoon()
    })
  }

  private cut(length: number): Buffer {
    const bytes = this.buffer.subarray(0, length)
    this.buffer = this.buffer.subarray(length)
    return bytes
  }

  private until(condition: () => boolean, withinMillis: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const finish = (value: boolean) => {
        clearTimeout(timer)
        this.wake = undefined
        resolve(value)
      }
      const timer = setTimeout(() => finish(condition()), withinMillis)
      this.wake = () => {
        if (condition()) finish(true)
      }
    })
  }
}
