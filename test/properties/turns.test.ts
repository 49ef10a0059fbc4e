/**
 * Whose turn it is among very many functions: the same as looking at each of them, whatever
 * comes, goes, is taken by others, or is no longer to be done.
 */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import { Rights } from "../../src/protocol/server/Access.ts"
import { Buffers } from "../../src/protocol/server/Buffers.ts"
import { Functions, type ServerFunction } from "../../src/protocol/server/Functions.ts"
import { Handles } from "../../src/protocol/server/Handles.ts"
import { Job, type Priority } from "../../src/protocol/server/Job.ts"
import { JobTable } from "../../src/protocol/server/JobTable.ts"
import { Merging } from "../../src/protocol/server/Merging.ts"
import { Outbox, type Peer } from "../../src/protocol/server/Outbox.ts"
import { Ability, Session } from "../../src/protocol/server/Session.ts"
import { Traffic } from "../../src/protocol/server/Traffic.ts"

const peer: Peer = { peerHost: "", send: () => {}, unsentBytes: () => 0, end: () => {}, destroy: () => {} }
const access = { rights: new Rights("anonymous", undefined), hasText: true }

class World {
  readonly handles = new Handles("H", true)
  readonly table = new JobTable(this.handles, 1_000_000)
  readonly functions = new Functions(1_000, 0, this.table, new Merging(7, this.table))
  readonly all: ReadonlyArray<ServerFunction>
  readonly sessions: ReadonlyArray<Session>
  readonly queued: Array<Job> = []

  constructor(functions: number, sessions: number) {
    this.all = Array.from({ length: functions }, (_, index) => this.functions.obtain(`fn${index}`)!)
    const outbox = new Outbox(peer, 1_000, new Buffers(), new Traffic())
    this.sessions = Array.from({ length: sessions }, (_, index) => new Session(index, peer, outbox, access, false, []))
  }

  submit(fn: ServerFunction, priority: Priority): void {
    const workload = new Uint8Array(0)
    const job = new Job(this.handles.nextNumber(), this.handles, fn, "", workload, undefined, priority, false)
    this.functions.enqueue(job)
    this.queued.push(job)
  }

  take(job: Job): void {
    this.functions.dequeue(job)
    this.queued.splice(this.queued.indexOf(job), 1)
  }

  toggle(session: Session, fn: ServerFunction): void {
    const known = session.abilities.get(fn)
    if (known !== undefined) session.removeAbility(known)
    else session.addAbility(new Ability(session, fn, 0, session.firstTurn()))
  }

  /** By looking at every job. */
  expected(session: Session): Job | undefined {
    const turnOf = (job: Job) => session.abilities.get(job.function)?.turn ?? Infinity
    return this.queued
      .filter((job) => session.abilities.has(job.function))
      .toSorted(
        (one, other) => one.priority - other.priority || turnOf(one) - turnOf(other) || one.number - other.number
      )
      .at(0)
  }

  grab(session: Session, isTaken: boolean): void {
    const next = this.functions.nextFor(session)
    assert.strictEqual(next?.job, this.expected(session))
    if (next === undefined || !isTaken) return
    this.take(next.job)
    next.ability.turn = session.lastTurn()
  }
}

const number = FastCheck.nat({ max: 10_000 })
const step = FastCheck.oneof(
  {
    weight: 6,
    arbitrary: FastCheck.record({ _tag: FastCheck.constant("submit" as const), fn: number, priority: number })
  },
  {
    weight: 4,
    arbitrary: FastCheck.record({ _tag: FastCheck.constant("grab" as const), session: number, times: number })
  },
  { weight: 1, arbitrary: FastCheck.record({ _tag: FastCheck.constant("ask" as const), session: number }) },
  { weight: 1, arbitrary: FastCheck.record({ _tag: FastCheck.constant("give up" as const), job: number }) },
  {
    weight: 1,
    arbitrary: FastCheck.record({ _tag: FastCheck.constant("toggle" as const), session: number, fn: number })
  },
  // Everything has work at once, or a whole lot of it is gone.
  { weight: 1, arbitrary: FastCheck.record({ _tag: FastCheck.constant("flood" as const), priority: number }) },
  { weight: 1, arbitrary: FastCheck.record({ _tag: FastCheck.constant("ebb" as const), left: number }) }
)

describe("the turns of a connection's functions", () => {
  it("are those that a look at each of them finds", () => {
    let byOrder = 0
    const count = FastCheck.integer({ min: 42, max: 60 })
    const able = FastCheck.array(number, { minLength: 1, maxLength: 60, size: "max" })
    FastCheck.assert(
      FastCheck.property(
        count,
        able,
        FastCheck.array(step, { maxLength: 40, size: "max" }),
        (functions, can, steps) => {
          const world = new World(functions, 2)
          const { all, queued, sessions } = world
          // Nearly all, so that it is soon given one more.
          for (const fn of all) if (fn.number % 6 > 0) world.toggle(sessions[0]!, fn)
          for (const index of can) world.toggle(sessions[1]!, all[index % functions]!)
          const of = <A>(list: ReadonlyArray<A>, index: number) => list[index % list.length]!
          for (const one of steps) {
            if (one._tag === "submit") world.submit(of(all, one.fn), (one.priority % 3) as Priority)
            else if (one._tag === "flood") for (const fn of all) world.submit(fn, (one.priority % 3) as Priority)
            else if (one._tag === "ebb") for (const job of queued.slice(one.left % 40)) world.take(job)
            else if (one._tag === "toggle") world.toggle(of(sessions, one.session), of(all, one.fn))
            else if (one._tag === "ask") world.grab(of(sessions, one.session), false)
            else if (one._tag === "give up" && queued.length > 0) world.take(of(queued, one.job))
            else if (one._tag === "grab")
              for (let left = one.times % 8; left >= 0; left--) world.grab(of(sessions, one.session), true)
            const working = new Set(queued.map((job) => job.function))
            if (working.size > 32 && sessions.some(({ abilities }) => abilities.size > 32)) byOrder++
          }
          for (const session of sessions) while (world.expected(session) !== undefined) world.grab(session, true)
        }
      ),
      { numRuns: 600 }
    )
    // Else nothing was shown but that few are looked at one by one.
    assert.isAbove(byOrder, 500)
  })
})
