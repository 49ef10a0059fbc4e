/**
 * Who is heard, and how much of it, before the event loop goes round again. One who
 * floods the server with work must not keep the others waiting.
 *
 * Each connection has a small allowance of the server's time, which grows as time passes.
 * Who stays within it is heard at once, always. What the others send waits, and is worked
 * off in slices of about half a millisecond, in turns, while the event loop goes round
 * every millisecond. Nothing is held back while nobody else wants the time. How much work
 * a byte is differs a thousandfold between a payload and a question for the status of
 * everything, so slices are cut by the time that earlier ones took.
 */

/** How long one slice should take. */
const sliceMillis = 0.5
/** How long those that are behind are served before the event loop goes round. */
const roundMillis = 1
/** The share of the time that a connection may take without waiting for its turn, and what it may save up. */
const allowance = 0.1
const maxSavedMillis = 2
/** No slice is smaller: a word of the text protocol has to fit. */
const minSliceBytes = 16
const maxSliceBytes = 65_536
/** What is known of one who has not said anything yet: a slice is this much. */
const firstSliceBytes = 4_096
/** Experience is worth half as much after this many bytes. */
const memoryBytes = 8_192
/** One slice counts for no more than this, as when the process was not running meanwhile. */
const maxCountedMillis = 4 * sliceMillis

/** Time, and a moment to go on. */
export interface World {
  readonly nowMillis: () => number
  /** Calls after whatever else the event loop has to do. */
  readonly later: (act: () => void) => void
}

const node: World = { nowMillis: () => performance.now(), later: (act) => void setImmediate(act) }

/** Those that are behind, in the order of their turns. */
export class Fairness {
  private readonly behind = new Set<Share>()
  private readonly world: World
  private isScheduled = false

  constructor(world: World = node) {
    this.world = world
  }

  /**
   * A place for one connection. `work` is given what it sent, at once or in slices;
   * `onCaughtUp` is called when nothing more waits.
   */
  join(work: (bytes: Uint8Array) => void, onCaughtUp: () => void): Share {
    return new Share(this, this.world, work, onCaughtUp)
  }

  enter(share: Share): void {
    this.behind.add(share)
    if (this.isScheduled) return
    this.isScheduled = true
    this.world.later(this.serve)
  }

  leave(share: Share): void {
    this.behind.delete(share)
  }

  private readonly serve = (): void => {
    const endMillis = this.world.nowMillis() + roundMillis
    for (const share of this.behind) {
      this.behind.delete(share)
      // To the end of the line, which this loop comes to if there is time.
      if (share.slice()) this.behind.add(share)
      if (this.world.nowMillis() >= endMillis) break
    }
    this.isScheduled = this.behind.size > 0
    if (this.isScheduled) this.world.later(this.serve)
  }
}

/** What one connection has sent and nobody has looked at yet. */
export class Share {
  private rest: Uint8Array | undefined
  private isHeld = false
  /** It is worked off in turns just now. */
  isInTurn = false
  private savedMillis = maxSavedMillis
  private countedMillis: number
  private spentMillis = sliceMillis
  private spentBytes = firstSliceBytes
  private readonly fairness: Fairness
  private readonly world: World
  private readonly work: (bytes: Uint8Array) => void
  private readonly onCaughtUp: () => void

  constructor(fairness: Fairness, world: World, work: (bytes: Uint8Array) => void, onCaughtUp: () => void) {
    this.fairness = fairness
    this.world = world
    this.countedMillis = world.nowMillis()
    this.work = work
    this.onCaughtUp = onCaughtUp
  }

  /** Something waits: nothing more should be read. */
  get isBehind(): boolean {
    return this.rest !== undefined
  }

  /** Takes what was read, which is only valid during the call. */
  hear(bytes: Uint8Array): void {
    if (this.rest === undefined && !this.isHeld && bytes.length <= this.sliceBytes && this.mayGoOn()) {
      return this.measure(bytes)
    }
    // Whoever was told to stop may have had more under way.
    this.rest = this.rest === undefined ? new Uint8Array(bytes) : Buffer.concat([this.rest, bytes])
    if (!this.isHeld) this.fairness.enter(this)
  }

  /** Nothing is worked off until `release`: the peer does not take its answers. */
  hold(): void {
    this.isHeld = true
    this.fairness.leave(this)
  }

  release(): void {
    this.isHeld = false
    if (this.rest !== undefined) this.fairness.enter(this)
  }

  /** Forgets what waits: the connection is gone. */
  drop(): void {
    this.rest = undefined
    this.fairness.leave(this)
  }

  /** Works off one slice; false when nothing is left, or all has to wait. */
  slice(): boolean {
    const bytes = this.rest
    if (bytes === undefined || this.isHeld) return false
    const size = this.sliceBytes
    this.rest = bytes.length <= size ? undefined : bytes.subarray(size)
    this.isInTurn = true
    this.measure(bytes.subarray(0, size))
    this.isInTurn = false
    if (this.rest !== undefined) return !this.isHeld
    this.onCaughtUp()
    return false
  }

  private get sliceBytes(): number {
    const fitting = Math.floor((sliceMillis * this.spentBytes) / this.spentMillis)
    return Math.min(maxSliceBytes, Math.max(minSliceBytes, fitting))
  }

  private mayGoOn(): boolean {
    const now = this.world.nowMillis()
    this.savedMillis = Math.min(maxSavedMillis, this.savedMillis + allowance * (now - this.countedMillis))
    this.countedMillis = now
    return this.savedMillis > 0
  }

  private measure(bytes: Uint8Array): void {
    const beganMillis = this.world.nowMillis()
    this.work(bytes)
    const tookMillis = Math.min(this.world.nowMillis() - beganMillis, maxCountedMillis)
    // What was worked off in turns is not held against it for longer than that.
    this.savedMillis = Math.max(-maxSavedMillis, this.savedMillis - tookMillis)
    this.spentMillis += tookMillis
    this.spentBytes += bytes.length
    if (this.spentBytes < memoryBytes) return
    this.spentMillis /= 2
    this.spentBytes /= 2
  }
}
