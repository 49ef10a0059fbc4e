/**
 * A way to a server that can be cut, slowed or silenced, for TCP connections on loopback.
 */
import { connect, createServer, type Server, type Socket } from "node:net"

export class Proxy {
  private readonly pairs = new Set<readonly [Socket, Socket]>()
  private isSilent = false
  private delayMillis = 0
  private readonly server: Server
  readonly target: number

  constructor(target: number) {
    this.target = target
    this.server = createServer((near) => this.join(near))
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.server.listen(0, "127.0.0.1", () => resolve((this.server.address() as { readonly port: number }).port))
    })
  }

  private join(near: Socket): void {
    const far = connect(this.target, "127.0.0.1")
    const pair = [near, far] as const
    this.pairs.add(pair)
    const end = () => {
      this.pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const [from, to] of [pair, [far, near] as const]) {
      from.setNoDelay(true)
      from.on("data", (bytes) => {
        // What is swallowed here stays swallowed: a silent connection is cut before it is healed.
        if (!this.isSilent) setTimeout(() => to.write(bytes), this.delayMillis)
      })
      from.on("error", end)
      from.on("close", end)
    }
  }

  /** From now on no byte passes, and none of those is made up for. */
  silence(): void {
    this.isSilent = true
  }

  slow(milliseconds: number): void {
    this.delayMillis = milliseconds
  }

  /** Breaks what was silent, and lets bytes pass again, without delay. */
  heal(): void {
    if (this.isSilent) for (const [near] of this.pairs) near.destroy()
    this.isSilent = false
    this.delayMillis = 0
  }

  close(): void {
    this.server.close()
    for (const [near] of this.pairs) near.destroy()
  }
}
