/**
 * Who is heard, and how much of it, before the event loop goes round again. One who
 * floods the server with work must not keep the others waiting.
 *
 * Each connection has a small allowance of the server's time, which grows as time passes.
 * Who stays within it is heard at once, always. The others are heard at once too while a
 * turn of the event loop has time for them and nobody waits; else what they send waits, and
 * is worked off in slices, in turns, a few tenths of a millisecond before the event loop
 * goes round. How much work a byte is differs a thousandfold between a payload and a
 * question for the status of everything, so slices are cut by the time that earlier ones
 * took, and by what it took to send the answers.
 */
import { Buffers } from "../../protocol/server/Buffers.ts"
import * as Turn from "./Turn.ts"

/** How long one slice should take. */
const sliceMillis = 0.1
/** How long those beyond their allowance are served before the event loop goes round. */
const roundMillis = 0.2
/** What it costs about to read once more from one who has caught up; it is paid in advance. */
const readMillis = 0.03
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
const maxCountedMillis = 2

/** Time, a moment to go on, and a way to send what is to be said. */
export interface World {
  readonly nowMillis: () => number
  /** Calls after whatever else the event loop has to do. */
  readonly later: (act: () => void) => void
  /** Sends what was said so far, to everybody. */
  readonly settle: () => void
}

const node: World = {
  nowMillis: () => performance.now(),
  later: (act) => void setImmediate(act),
  settle: Turn.settle
}

/** One of those that share the time. */
export interface Member {
  /** Is given what it sent, at once or in slices. */
  work(bytes: Uint8Array): void
  /** Nothing more waits. */
  caughtUp(): void
}

/** Those that are behind, in the order of their turns. */
export class Fairness {
  private readonly behind = new Set<Share>()
  /** Whose slices have been worked off, and whose answers have not been sent. */
  private readonly served = new Set<Share>()
  /** Where waits what nobody has looked at: a flood would else be a flood for the garbage collector, too. */
  readonly buffers = new Buffers()
  private readonly world: World
  private isScheduled = false
  /** What those beyond their allowance have had of this turn of the event loop. */
  private spentMillis = 0

  constructor(world: World = node) {
    this.world = world
  }

  /** A place for one connection. */
  join(member: Member): Share {
    return new Share(this, this.world, member)
  }

  enter(share: Share): void {
    this.behind.add(share)
    this.schedule()
  }

  leave(share: Share): void {
    this.behind.delete(share)
  }

  /** Whether one beyond its allowance may be heard at once. */
  get hasTime(): boolean {
    return this.behind.size === 0 && this.spentMillis < roundMillis
  }

  /** One beyond its allowance was heard at once. */
  spend(millis: number): void {
    this.spentMillis += millis
    this.schedule()
  }

  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    this.world.later(this.serve)
  }

  private readonly serve = (): void => {
    const { behind, served, world } = this
    this.spentMillis = 0
    // Whoever was heard at once has its answer before others are served.
    world.settle()
    let endMillis = world.nowMillis() + roundMillis
    for (const share of behind) {
      behind.delete(share)
      served.add(share)
      // To the end of the line, which this loop comes to if there is time.
      if (share.slice()) behind.add(share)
      else endMillis -= readMillis
      // What its answers will take is known by experience only: they are sent in the end.
      endMillis -= share.owedMillis
      if (world.nowMillis() >= endMillis) break
    }
    if (served.size > 0) this.sendAnswers()
    this.isScheduled = behind.size > 0
    if (this.isScheduled) world.later(this.serve)
  }

  /** What answers cost belongs to those who asked. */
  private sendAnswers(): void {
    const { served, world } = this
    const beganMillis = world.nowMillis()
    world.settle()
    const millisEach = (world.nowMillis() - beganMillis) / served.size
    for (const share of served) share.charge(millisEach)
    served.clear()
  }
}

/** What one connection has sent and nobody has looked at yet. */
export class Share {
  /** What the last slice did not take yet, and similar ones took in all. */
  owedMillis = 0
  private rest: Uint8Array | undefined
  /** What `rest` lies in. */
  private lent: Uint8Array | undefined
  private isHeld = false
  private savedMillis = maxSavedMillis
  private countedMillis: number
  private spentMillis = sliceMillis
  private spentBytes = firstSliceBytes
  private readonly fairness: Fairness
  private readonly world: World
  private readonly member: Member

  constructor(fairness: Fairness, world: World, member: Member) {
    this.fairness = fairness
    this.world = world
    this.countedMillis = world.nowMillis()
    this.member = member
  }

  /** Something waits: nothing more should be read. */
  get isBehind(): boolean {
    return this.rest !== undefined
  }

  /** Takes what was read, which is only valid during the call. */
  hear(bytes: Uint8Array): void {
    if (this.rest === undefined && !this.isHeld && bytes.length <= this.sliceBytes) {
      const beganMillis = this.world.nowMillis()
      if (this.mayGoOn(beganMillis)) return void this.measure(bytes, beganMillis)
      if (this.fairness.hasTime) return this.fairness.spend(this.measure(bytes, beganMillis))
    }
    this.keep(bytes)
    if (!this.isHeld) this.fairness.enter(this)
  }

  private keep(bytes: Uint8Array): void {
    const { lent, rest } = this
    // Whoever was told to stop may have had more under way.
    const before = rest === undefined ? 0 : rest.length
    this.lent = this.fairness.buffers.take(before + bytes.length)
    if (rest !== undefined) this.lent.set(rest)
    this.lent.set(bytes, before)
    this.rest = this.lent.subarray(0, before + bytes.length)
    if (lent !== undefined) this.fairness.buffers.give(lent)
  }

  private giveBack(): void {
    this.rest = undefined
    if (this.lent !== undefined) this.fairness.buffers.give(this.lent)
    this.lent = undefined
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
    this.giveBack()
    this.fairness.leave(this)
  }

  /** Works off one slice; false when nothing is left, or all has to wait. */
  slice(): boolean {
    const bytes = this.rest
    this.owedMillis = 0
    if (bytes === undefined || this.isHeld) return false
    const slice = bytes.subarray(0, this.sliceBytes)
    const isLast = slice.length === bytes.length
    this.rest = isLast ? undefined : bytes.subarray(slice.length)
    const expectedMillis = (slice.length * this.spentMillis) / this.spentBytes
    this.owedMillis = Math.max(0, expectedMillis - this.measure(slice, this.world.nowMillis()))
    if (this.rest !== undefined) return !this.isHeld
    this.giveBack()
    if (isLast) this.member.caughtUp()
    return false
  }

  private get sliceBytes(): number {
    const fitting = Math.floor((sliceMillis * this.spentBytes) / this.spentMillis)
    return Math.min(maxSliceBytes, Math.max(minSliceBytes, fitting))
  }

  private mayGoOn(nowMillis: number): boolean {
    const grown = this.savedMillis + allowance * (nowMillis - this.countedMillis)
    this.savedMillis = Math.min(maxSavedMillis, grown)
    this.countedMillis = nowMillis
    return this.savedMillis > 0
  }

  private measure(bytes: Uint8Array, beganMillis: number): number {
    this.member.work(bytes)
    const tookMillis = this.world.nowMillis() - beganMillis
    this.charge(tookMillis)
    this.spentBytes += bytes.length
    if (this.spentBytes >= memoryBytes) {
      this.spentMillis /= 2
      this.spentBytes /= 2
    }
    return tookMillis
  }

  /** Counts time that was spent for it. */
  charge(millis: number): void {
    const counted = Math.min(millis, maxCountedMillis)
    // What was worked off in turns is not held against it for longer than that.
    this.savedMillis = Math.max(-maxSavedMillis, this.savedMillis - counted)
    this.spentMillis += counted
  }
}
