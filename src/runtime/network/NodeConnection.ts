/**
 * One accepted Node socket as the `Connection` of the abstract network: bytes go to a
 * synchronous handler, output leaves in one system call per batch, and reading pauses
 * while the peer does not take its answers.
 *
 * There may be very many that say nothing, so each holds little: methods and not closures,
 * and event listeners that all sockets have in common.
 */
import * as Effect from "effect/Effect"
import * as Socket from "effect/socket/Socket"
import type * as Net from "node:net"
import type * as Network from "../../protocol/Network.ts"
import * as DirectWrite from "./DirectWrite.ts"
import { Fairness, type Member, type Share } from "./Fairness.ts"
import * as SharedRead from "./SharedRead.ts"
import * as Tls from "./Tls.ts"
import * as Turn from "./Turn.ts"

/** How long output may linger once the peer has said goodbye, before it is dropped. */
const lingerMillis = 5_000

/** All connections of the process share its time. */
const fairness = new Fairness()

/** IPv4 peers of a dual-stack listener look like `::ffff:127.0.0.1`. */
const plainHost = (host: string) => (host.startsWith("::ffff:") && host.includes(".") ? host.slice(7) : host)

/** The peer of a socket, as people are told of it. */
export const peerOf = ({ remoteAddress }: Net.Socket): string =>
  remoteAddress === undefined ? "unix" : plainHost(remoteAddress)

const closed = (hadError: boolean) =>
  new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: hadError ? 1006 : 1000 }) })

/**
 * Peers are lost every day, and where we were then tells nothing. Taking the stack down would be a
 * tenth of what a connection costs that comes and goes, and V8 keeps alive what is in it.
 */
const lost = (cause: Error): Socket.SocketError => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const error = new Socket.SocketError({ reason: new Socket.SocketReadError({ cause }) })
  Error.stackTraceLimit = stackTraceLimit
  return error
}

/** What a listener is told of its connections. */
export interface Observer {
  /** It has said something, for the first time. */
  readonly spoke: (connection: NodeConnection) => void
  readonly closed: (connection: NodeConnection) => void
}

type Bytes = (bytes: Uint8Array) => void
type Resume = (end: Effect.Effect<void, Socket.SocketError>) => void

const connection = Symbol("connection")
type Owned = Net.Socket & { [connection]: NodeConnection }

// Without a listener an error would end the process; `close` follows and tells `receive`.
function onError(this: Owned, cause: Error): void {
  this[connection].failed(cause)
}
function onEnd(this: Owned): void {
  this[connection].peerEnded()
}
function onClose(this: Owned): void {
  this[connection].socketClosed()
}

/** A socket that was accepted paused. Reading starts with `receive`. */
export class NodeConnection implements Network.Connection, SharedRead.Hearer, Member {
  // The peer is kept here because a socket forgets it when it closes.
  readonly peerHost: string
  readonly peerPort: number
  readonly peerNames: ReadonlyArray<string>
  private readonly socket: Net.Socket
  private readonly observer: Observer
  private readonly descriptor: number
  private hasSpoken = false
  private hasEnded = false
  private isPaused = false
  private isHeld = false
  private pauseAbove = Number.POSITIVE_INFINITY
  private failure: Error | undefined = undefined
  /** These three while `receive` runs. */
  private resume: Resume | undefined = undefined
  private share: Share | undefined = undefined
  private onBytes: Bytes | undefined = undefined
  private afterBytes: Turn.Work | undefined = undefined
  private onDefect: ((defect: unknown) => void) | undefined = undefined

  constructor(socket: Net.Socket, observer: Observer) {
    this.socket = socket
    this.observer = observer
    this.peerHost = peerOf(socket)
    this.peerPort = socket.remotePort ?? 0
    this.peerNames = Tls.namesOf(socket)
    this.descriptor = DirectWrite.descriptorOf(socket)
    const owned = socket as Owned
    owned[connection] = this
    owned.on("error", onError)
    owned.on("end", onEnd)
    owned.on("close", onClose)
  }

  receive(onBytes: Bytes, options: Network.ReceiveOptions): Effect.Effect<void, Socket.SocketError> {
    return Effect.callback<void, Socket.SocketError>((resume) => {
      if (this.socket.destroyed) return resume(Effect.fail(closed(true)))
      this.pauseAbove = options.pauseAboveBytes
      this.afterBytes = options.afterBytes
      this.onBytes = onBytes
      this.resume = resume
      this.share = fairness.join(this)
      SharedRead.tell(this.socket, this)
      if (this.isPaused || this.isHeld) this.stop()
      else this.socket.resume()
      return Effect.sync(() => {
        this.resume = undefined
        this.share?.drop()
        this.socket.destroy()
      })
    })
  }

  /** What was read, as it comes. */
  hear(bytes: Uint8Array): void {
    if (!this.hasSpoken) {
      this.hasSpoken = true
      this.observer.spoke(this)
    }
    const share = this.share!
    share.hear(bytes)
    if (share.isBehind) this.socket.pause()
  }

  /** What was read, when its turn has come. */
  work(bytes: Uint8Array): void {
    if (this.socket.destroyed) return
    this.onDefect ??= (defect) => this.finish(Effect.die(defect))
    try {
      this.onBytes!(bytes)
      if (this.afterBytes !== undefined) Turn.atEnd(this.afterBytes, bytes.length, this.onDefect)
    } catch (defect) {
      this.onDefect(defect)
    }
  }

  /** Nothing that was read waits any more. */
  caughtUp(): void {
    if (this.resume !== undefined && !this.isPaused && !this.isHeld && this.share?.isBehind !== true)
      this.socket.resume()
  }

  send(given: ReadonlyArray<Uint8Array>): void {
    const { socket } = this
    if (socket.destroyed || socket.writableEnded || given.length === 0) return
    const chunks = DirectWrite.without(given, DirectWrite.write(socket, this.descriptor, given))
    if (chunks.length === 0) return
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (let i = 0; i < last; i++) socket.write(chunks[i]!)
    const bytes = chunks[last]!
    const isOver = socket.writableLength + bytes.length > this.pauseAbove
    // Only the write that goes over the limit, and those after it, need to be told of.
    if (this.isPaused || isOver) socket.write(bytes, () => this.resumeWhenDrained())
    else socket.write(bytes)
    if (last > 0) socket.uncork()
    if (!this.isPaused && socket.writableLength > this.pauseAbove) {
      this.isPaused = true
      this.stop()
    }
  }

  unsentBytes(): number {
    return this.socket.writableLength
  }

  hold(shouldHold: boolean): void {
    if (this.isHeld === shouldHold) return
    this.isHeld = shouldHold
    if (shouldHold) this.stop()
    else this.goOn()
  }

  probe(silenceMillis: number): void {
    this.socket.setKeepAlive(true, silenceMillis)
  }

  /** Lets what is waiting go out, but not for ever: the peer may never read it. */
  end(): void {
    const { socket } = this
    if (socket.destroyed) return
    const timer = setTimeout(() => socket.destroy(), lingerMillis)
    timer.unref()
    socket.once("close", () => clearTimeout(timer))
    socket.destroySoon()
  }

  destroy(): void {
    this.socket.destroy()
  }

  failed(cause: Error): void {
    this.failure ??= cause
  }

  peerEnded(): void {
    if (this.resume === undefined) return
    this.hasEnded = true
    this.resume(Effect.void)
    this.end()
  }

  socketClosed(): void {
    this.observer.closed(this)
    this.share?.drop()
    if (this.hasEnded) return
    // Closing it ourselves is an orderly end; a reset or a lost peer is not.
    this.resume?.(this.failure === undefined ? Effect.void : Effect.fail(lost(this.failure)))
  }

  private finish(end: Effect.Effect<void>): void {
    this.socket.destroy()
    this.resume?.(end)
  }

  private resumeWhenDrained(): void {
    if (!this.isPaused || this.socket.writableLength * 2 > this.pauseAbove) return
    this.isPaused = false
    this.goOn()
  }

  private goOn(): void {
    if (this.isPaused || this.isHeld) return
    this.share?.release()
    this.caughtUp()
  }

  private stop(): void {
    this.share?.hold()
    this.socket.pause()
  }
}
