/**
 * How clients treat their callers and servers: who waits first is served first, and a
 * second server is another one. Properties 30, 35 and 37.
 *
 * @since 0.1.0
 */
import { type Asked, isAwaited, submits } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import type { Call, Scene } from "./Scene.ts"
import type { Submitted } from "./Submissions.ts"

/** Callers who ask so soon after one another may be begun in another order. */
const togetherMillis = 50

/**
 * A client that may have one submission under way begins them in the order in which its
 * callers have asked. `isSingle` tells which clients those are, `workloadsOf` gives what a
 * caller's jobs carry on the wire.
 *
 * @since 0.1.0
 * @category properties
 */
export const queueing = (
  workloadsOf: (asked: Asked) => ReadonlyArray<string>,
  isSingle: (client: string) => boolean
): Property => {
  const sent = new WeakSet<Call>()
  return {
    name: "queueing",
    of: "clients",
    submitted: (scene, { function: fn, node, unique, workload }) => {
      // Whoever has a unique may join one that is under way, and is answered after the next has been sent.
      if (unique !== "" || !isSingle(node)) return
      const waiting = scene
        .callsOf(node)
        .filter((call) => call.unique === "" && submits.has(call.kind) && !sent.has(call))
      const isSame = (call: Call) => call.function === fn && workloadsOf(call)[0] === workload
      const mine = waiting.find(isSame)
      if (mine === undefined) return
      sent.add(mine)
      const [oldest = mine] = waiting
      if (isSame(oldest) || mine.at - oldest.at < togetherMillis) return
      const text = `${node} submits for caller ${mine.caller}, and caller ${oldest.caller} waits since ${oldest.at} ms`
      throw new Violation(30, text)
    }
  }
}

/** Longer than it takes to reach a server that is there. */
const reachMillis = 1500

/**
 * A client that asks a second server when the first is slow does not ask the first one
 * twice, nor the second before its caller wants that, nor, where `mayHedge`, long after it.
 * Only for worlds in which every server is there.
 *
 * @since 0.1.0
 * @category properties
 */
export const hedging = (mayHedge: (client: string) => boolean): Property => {
  /** Whoever wanted it may have left it, and others ask anew. */
  const forgotten = new WeakSet<Submitted>()
  /** What was refused, or answered for one of several: where it is under way is not known. */
  const unclear = new Set<string>()
  type Wanted = Pick<Call, "node" | "function" | "unique">
  // The workload on the wire may be another text: all of one function and unique are judged together.
  const keyOf = ({ function: fn, node, unique }: Wanted): string => `${node} ${fn} ${unique}`
  const isAlike = (one: Wanted, other: Wanted): boolean => keyOf(one) === keyOf(other)
  const isKnown = (job: Submitted): boolean => job.unique !== "" && isAwaited(job.packet) && !forgotten.has(job)
  const hedgesAt = ({ at, hedgeMillis = Infinity }: Call): number => at + hedgeMillis
  const alikeOf = (scene: Scene, one: Wanted): ReadonlyArray<Submitted> =>
    scene
      .connectionsOf(one.node)
      .flatMap(({ jobs }) => jobs.all())
      .filter((job) => isKnown(job) && isAlike(job, one))
  return {
    name: "hedging",
    of: "clients",
    answered: (scene, call) => {
      for (const job of alikeOf(scene, call)) forgotten.add(job)
      if (scene.callsOf(call.node).some((other) => isAlike(other, call))) unclear.add(keyOf(call))
    },
    heard: (_, { jobs: { oldest } }, { name }) => {
      if (name === "ERROR" && oldest !== undefined && isKnown(oldest)) unclear.add(keyOf(oldest))
    },
    submitted: (scene, job) => {
      if (!isKnown(job)) return
      const { connection, function: fn, node, packet, unique, workload } = job
      const isSame = (other: Submitted) => other !== job && other.packet === packet && other.workload === workload
      const same = alikeOf(scene, job).filter(isSame)
      if (same.some((other) => other.connection === connection))
        throw new Violation(35, `${node} asks over connection ${connection.id} twice for ${fn} ${unique}`)
      const isWanted = scene.callsOf(node).some((call) => isAlike(call, job) && hedgesAt(call) <= scene.now)
      if (same.length > 0 && !isWanted)
        throw new Violation(35, `${node} asks a second server for ${fn} ${unique} before anybody wants it to`)
    },
    atRest: (scene, until) => {
      for (const call of scene.calls.values()) {
        const { function: fn, node, unique } = call
        // Those of one text only: others are told apart by more than they say here.
        if (until - hedgesAt(call) < reachMillis || unique === "" || unique === "-" || !mayHedge(node)) continue
        if (alikeOf(scene, call).length !== 1 || unclear.has(keyOf(call))) continue
        const text = `${node} has asked one server only for ${fn} ${unique}, and a second one is wanted`
        throw new Violation(37, `${text} since ${hedgesAt(call)} ms`)
      }
    }
  }
}
