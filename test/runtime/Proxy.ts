/**
 * A way to a server on loopback that tests can spoil: what passes can be stalled in one
 * direction or both, broken into single bytes, and cut. What is stalled is not lost: it
 * waits in the kernel, as behind a slow link, and comes when the way is free again.
 */
import * as Net from "node:net"

/** `up` is towards the server. */
export type Direction = "up" | "down"

interface Pipe {
  readonly direction: Direction
  readonly from: Net.Socket
  readonly to: Net.Socket
}

export class Proxy {
  readonly port: number
  /** Connections that were made through it, ever. */
  made = 0
  private readonly pipes = new Set<Pipe>()
  private readonly stalled = new Set<Direction>()
  private readonly server: Net.Server
  private isCrumbling = false

  private constructor(server: Net.Server, target: number) {
    this.server = server
    this.port = (server.address() as Net.AddressInfo).port
    server.on("connection", (near: Net.Socket) =>
      this.join(near, Net.connect({ port: target, host: "127.0.0.1", noDelay: true }))
    )
  }

  static to(target: number): Promise<Proxy> {
    const server = Net.createServer({ pauseOnConnect: true, noDelay: true })
    return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(new Proxy(server, target))))
  }

  private join(near: Net.Socket, far: Net.Socket): void {
    this.made++
    const pipes: ReadonlyArray<Pipe> = [
      { direction: "up", from: near, to: far },
      { direction: "down", from: far, to: near }
    ]
    for (const pipe of pipes) {
      const { from, to } = pipe
      this.pipes.add(pipe)
      from.on("data", (bytes) => this.pass(pipe, bytes))
      from.on("error", () => {})
      from.on("close", () => {
        this.pipes.delete(pipe)
        to.destroySoon()
      })
      if (this.stalled.has(pipe.direction)) from.pause()
      else from.resume()
    }
  }

  private pass({ from, to }: Pipe, bytes: Buffer): void {
    if (!this.isCrumbling) return void to.write(bytes)
    from.pause()
    let at = 0
    const next = () => {
      to.write(bytes.subarray(at, ++at))
      if (at < bytes.length) setImmediate(next)
      else from.resume()
    }
    next()
  }

  /** From now on nothing passes; without a direction, in neither. */
  stall(...directions: ReadonlyArray<Direction>): void {
    for (const direction of directions.length === 0 ? (["up", "down"] as const) : directions)
      this.stalled.add(direction)
    for (const pipe of this.pipes) if (this.stalled.has(pipe.direction)) pipe.from.pause()
  }

  /** The way is free again, for what has waited too. */
  resume(): void {
    this.stalled.clear()
    for (const { from } of this.pipes) from.resume()
  }

  /** From now on each byte comes by itself. */
  crumble(): void {
    this.isCrumbling = true
  }

  /** Resets all connections, to both sides; new ones may be made. */
  cut(): void {
    for (const { from } of this.pipes) from.resetAndDestroy()
  }

  close(): void {
    this.server.close()
    for (const { from } of this.pipes) from.destroy()
  }
}
