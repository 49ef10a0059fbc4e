/**
 * What clients and workers say by themselves, judged by what they were asked: the packet
 * of each submission, how many at once, how a worker introduces itself, and that nothing
 * runs on for a connection that is gone. Properties 21, 27, 37, 40, 53, 57 and 58.
 *
 * @since 0.1.0
 */
import { goodBefore, type IsPrompt } from "./following.ts"
import { type Asked, submits } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import type { Connection, Execution } from "./Scene.ts"

const prompt = { high: "SUBMIT_JOB_HIGH", normal: "SUBMIT_JOB", low: "SUBMIT_JOB_LOW" } as const

/**
 * The packet by which a client submits what a caller asks for.
 *
 * @since 0.1.0
 * @category getters
 */
export const packetOf = ({ kind, priority }: Asked): string => {
  if (kind === "later") return "SUBMIT_JOB_EPOCH"
  return kind === "background" ? `${prompt[priority]}_BG` : prompt[priority]
}

/**
 * A request that nobody wants any more is not sent, once there was time to say so.
 *
 * @since 0.1.0
 * @category constants
 */
export const withdrawnMillis = 50

/**
 * A client submits what a caller asked for, by the packet that says it, and nothing that
 * no caller wants any more. `workloadsOf` gives what a caller's jobs carry on the wire;
 * `earliest` the wall time before which a job that was asked for at that moment must not run.
 *
 * @since 0.1.0
 * @category properties
 */
export const submissions = (
  workloadsOf: (asked: Asked) => ReadonlyArray<string>,
  isPrompt: IsPrompt,
  earliest: (node: string, at: number) => number = () => 0
): Property => {
  /** Of all submissions that were ever asked for: the wall time before which the job must not run. */
  const known = new Map<string, number>()
  /** Of equal ones, whose callers share a submission: how many callers wait, or since when none does. */
  const wanted = new Map<string, { callers: number; until: number }>()
  const beginOf = (node: string, packet: string, fn: string, unique: string) => `${node} ${packet} ${fn} ${unique} `
  const shared = (begins: string, unique: string, workload: string) =>
    unique === "" || unique === "-" ? begins + workload : begins
  const count = (asked: Asked, more: number, at: number) => {
    if (asked.kind === "status" || asked.kind === "echo") return
    const begins = beginOf(asked.node, packetOf(asked), asked.function, asked.unique)
    for (const workload of workloadsOf(asked)) {
      if (more > 0 && !known.has(begins + workload)) known.set(begins + workload, earliest(asked.node, at))
      const key = shared(begins, asked.unique, workload)
      const callers = (wanted.get(key)?.callers ?? 0) + more
      wanted.set(key, { callers, until: callers > 0 ? Infinity : at })
    }
  }
  return {
    name: "submissions",
    of: "clients",
    asked: (_, call) => count(call, 1, call.at),
    answered: ({ now }, call) => count(call, -1, now),
    ended: (_, node) => {
      for (const key of wanted.keys()) if (key.startsWith(`${node} `)) wanted.delete(key)
    },
    submitted: (_, { at, epoch, function: fn, node, packet, unique, workload }) => {
      const begins = beginOf(node, packet, fn, unique)
      const since = known.get(begins + workload)
      const text = `${node} sent ${packet} ${fn} ${unique} ${workload}`
      if (since === undefined) throw new Violation(53, `${text}, which no caller asked for like that`)
      if (packet === "SUBMIT_JOB_EPOCH" && epoch * 1000 < since)
        throw new Violation(27, `${text} for ${epoch}, which is too early`)
      const until = wanted.get(shared(begins, unique, workload))?.until ?? Infinity
      if (at - until > withdrawnMillis && isPrompt(node))
        throw new Violation(40, `${text}, ${at - until} ms after the last caller had left`)
    }
  }
}

/**
 * A client has no more submissions under way than it may. `mostOf` is undefined where
 * callers may leave what they asked for: their jobs then go on without being counted.
 *
 * @since 0.1.0
 * @category properties
 */
export const throttle = (mostOf: (client: string) => number | undefined): Property => ({
  name: "throttle",
  of: "clients",
  submitted: (scene, { node }) => {
    const most = mostOf(node) ?? Infinity
    const count = scene.connectionsOf(node).reduce((sum, { jobs }) => sum + jobs.all().length, 0)
    if (count > most && !scene.stopping.has(node))
      throw new Violation(57, `${node} has ${count} submissions under way, ${most} are allowed`)
  }
})

/**
 * A worker that asks for a job has said over this connection who it is and what it can do,
 * and does not say that it sleeps while it waits for the answer.
 *
 * @since 0.1.0
 * @category properties
 */
export const introduction = (): Property => ({
  name: "introduction",
  of: "workers",
  said: (_, { abilities, asked, id, isNamed }, { name, node }) => {
    if (name === "PRE_SLEEP" && asked > 0)
      throw new Violation(26, `${node} says that it sleeps, and awaits ${asked} answers`)
    if (!name.startsWith("GRAB_JOB") || (isNamed && abilities.size > 0)) return
    const lacks = isNamed ? "what it can do" : "who it is"
    throw new Violation(21, `${node} asks for a job over connection ${id}, and has not said ${lacks}`)
  }
})

/**
 * A client that has a server does not tell callers that there is none.
 *
 * @since 0.1.0
 * @category properties
 */
export const shelter = (isPrompt: IsPrompt): Property => ({
  name: "shelter",
  of: "clients",
  failed: (scene, { caller, idempotent, kind, node }, reason) => {
    const isHidden = reason === "NoServer" || (reason === "Ambiguous" && kind === "run" && idempotent)
    if (!submits.has(kind) || !isHidden || scene.stopping.has(node) || !isPrompt(node)) return
    const [good] = goodBefore(scene, node, scene.now)
    if (good === undefined) return
    throw new Violation(37, `caller ${caller} was told ${reason} while ${node} had connection ${good.id}, a good one`)
  }
})

/** Longer than a handler takes to stop. */
const stopMillis = 1000

/**
 * A handler whose connection is gone is stopped: its result has nowhere to go.
 *
 * @since 0.1.0
 * @category properties
 */
export const orphans = (isPrompt: IsPrompt): Property => {
  /** By worker, server and handle: the connection that brought the job last. */
  const brought = new Map<string, Connection>()
  const connectionOf = new WeakMap<Execution, Connection>()
  return {
    name: "orphans",
    of: "workers",
    heard: (_, connection, { fields: [handle = ""], name, node }) => {
      if (name.startsWith("JOB_ASSIGN")) brought.set(`${node} ${connection.server} ${handle}`, connection)
    },
    began: (_, execution) => {
      const { handle, node, server } = execution
      const connection = brought.get(`${node} ${server.split(":")[0]} ${handle}`)
      if (connection !== undefined) connectionOf.set(execution, connection)
    },
    atRest: ({ running }, until) => {
      for (const execution of running) {
        const { closedAt = Infinity, id } = connectionOf.get(execution) ?? {}
        if (until - closedAt < stopMillis || !isPrompt(execution.node)) continue
        const text = `execution ${execution.execution} goes on at ${execution.node}`
        throw new Violation(58, `${text}, though its connection ${id} is gone since ${closedAt} ms`)
      }
    }
  }
}
