/**
 * One end of a connection, as the operating system of its machine holds it. The program
 * sees it as a `Network.Connection` if it accepted it, or through an Effect `Socket` if it
 * dialled.
 *
 * @since 0.1.0
 */
import type { Kernel, Owner } from "../Kernel.ts"
import type { NetworkOptions } from "./Link.ts"
import type { Pipe } from "./Pipe.ts"

/**
 * What is observed of a connection, at the two places where a program touches its bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tap {
  /** A program got these bytes. */
  readonly got: (endpoint: Endpoint, bytes: Uint8Array) => void
  /** A program gave these bytes. */
  readonly gave: (endpoint: Endpoint, bytes: Uint8Array) => void
  /** A program wants a connection. */
  readonly dialled?: ((from: string, to: string) => void) | undefined
  /** A program began to use its end. */
  readonly opened: (endpoint: Endpoint) => void
  /** A program is done with its end, or has learnt that it is over. */
  readonly closed: (endpoint: Endpoint) => void
}

/**
 * Why a connection broke.
 *
 * @since 0.1.0
 * @category models
 */
export class Broken extends Error {
  override readonly name = "Broken"
  readonly code: string

  constructor(code: "ECONNRESET" | "ETIMEDOUT" | "EPIPE", text: string) {
    super(`${code}: ${text}`)
    this.code = code
  }
}

/**
 * @since 0.1.0
 * @category models
 */
export class Endpoint {
  /** Which connection of the world this is, from 1; both ends have the same. */
  readonly connection: number
  readonly host: string
  readonly owner: Owner
  /** True for the end that dialled. */
  readonly dialled: boolean
  peer!: Endpoint
  incoming!: Pipe
  outgoing!: Pipe
  /** Set when the connection broke. */
  broken: Broken | undefined
  /** The program has let go of it. */
  closed = false
  /** When the program last got bytes. */
  heardAt = 0
  /** How many faults keep the program from reading. */
  stalls = 0
  /** What the program wants to be told; each runs as a task of the program's node. */
  onReadable: (() => void) | undefined
  onWritable: (() => void) | undefined
  private lost = false
  private readableQueued = false
  private writableQueued = false
  private opened = false
  private readonly kernel: Kernel
  private readonly options: NetworkOptions
  private readonly tap: Tap
  private readonly hasPower: () => boolean

  constructor(
    kernel: Kernel,
    options: NetworkOptions,
    tap: Tap,
    init: {
      readonly connection: number
      readonly host: string
      readonly owner: Owner
      readonly dialled: boolean
      readonly hasPower: () => boolean
    }
  ) {
    this.kernel = kernel
    this.options = options
    this.tap = tap
    this.connection = init.connection
    this.host = init.host
    this.owner = init.owner
    this.dialled = init.dialled
    this.hasPower = init.hasPower
  }

  /** Some program uses it now. */
  get isOpen(): boolean {
    return this.opened && !this.closed
  }

  /** The program begins to use it. */
  open(): void {
    if (this.opened) return
    this.opened = true
    this.tap.opened(this)
  }

  write(chunk: Uint8Array): void {
    if (this.closed || this.outgoing.ending) return
    // Also what goes nowhere, as long as the program has not been told that it does.
    this.tap.gave(this, chunk)
    this.outgoing.write(chunk)
  }

  /** How many bytes a read gets now: all, or by choice fewer. */
  readable(): number {
    const { unread } = this.incoming
    if (this.stalls > 0) return 0
    const { partialReadOneIn } = this.options
    if (unread < 2 || partialReadOneIn === 0) return unread
    const { choices } = this.kernel
    return choices.oneIn("partial read", partialReadOneIn) ? 1 + choices.choose("read", unread) : unread
  }

  /** A view, valid until something is written into the pipe. */
  read(count: number): Uint8Array {
    const bytes = this.incoming.take(count)
    this.heardAt = this.kernel.now
    this.tap.got(this, bytes)
    // The bytes themselves went into the hash when they were written.
    this.kernel.choices.hash.number(count)
    return bytes
  }

  /** After a read: the peer has room again, and what is left makes another task. */
  readDone(): void {
    this.incoming.pump()
    if (this.hasNews()) this.notifyReadable()
  }

  /** Something is there to be read, or the end of it. */
  hasNews(): boolean {
    if (this.stalls > 0) return false
    return this.broken !== undefined || this.incoming.unread > 0 || this.incoming.ended
  }

  notifyReadable(): void {
    if (this.readableQueued || this.onReadable === undefined) return
    this.readableQueued = true
    this.kernel.schedule(this.owner, this.tellReadable)
  }

  notifyWritable(): void {
    if (this.writableQueued || this.onWritable === undefined) return
    this.writableQueued = true
    this.kernel.schedule(this.owner, this.tellWritable)
  }

  private readonly tellReadable = (): void => {
    this.readableQueued = false
    this.onReadable?.()
  }

  private readonly tellWritable = (): void => {
    this.writableQueued = false
    this.onWritable?.()
  }

  /** Says that nothing more will be written; reading goes on. */
  end(): void {
    if (this.closed || this.broken !== undefined || this.outgoing.ending) return
    this.outgoing.end()
  }

  /**
   * The program lets go of it. What it gave to the network still goes out if `flush`;
   * unread bytes make the peer see a reset, as TCP does.
   */
  close(flush: boolean): void {
    if (this.closed) return
    this.closed = true
    this.tap.closed(this)
    this.onReadable = undefined
    this.onWritable = undefined
    if (this.broken !== undefined) return
    if (!flush) this.outgoing.abandonUnsent()
    if (this.incoming.unread > 0) this.sendReset()
    else this.outgoing.end()
  }

  /** The peer's side answered with a reset, the transport gave up, or a fault broke it. */
  break(cause: Broken): void {
    if (this.broken !== undefined) return
    this.broken = cause
    this.incoming.cut = true
    this.outgoing.cut = true
    this.notifyReadable()
    this.notifyWritable()
  }

  /** The pipe has brought something to this machine. */
  received(): void {
    // A machine without power answers nothing; one that lost its memory answers with a reset.
    if (this.lost) {
      if (this.hasPower()) this.sendReset()
    } else if (!this.closed) this.notifyReadable()
    else if (this.incoming.unread > 0) this.sendReset()
  }

  /** The machine lost power: this end is forgotten, and the peer is not told. */
  forget(): void {
    if (!this.closed) this.tap.closed(this)
    this.closed = true
    this.lost = true
    this.outgoing.cut = true
    this.onReadable = undefined
    this.onWritable = undefined
  }

  /** Tells the peer that the connection is over, out of order with its bytes. */
  sendReset(): void {
    this.broken ??= new Broken("ECONNRESET", "the connection was reset")
    this.incoming.cut = true
    this.outgoing.cut = true
    const { link } = this.outgoing
    link.carry(link.delay(), () => this.peer.break(new Broken("ECONNRESET", "the peer reset the connection")))
  }
}
