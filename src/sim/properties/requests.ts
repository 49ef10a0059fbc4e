/**
 * What clients and workers say by themselves, judged by what they were asked: the packet
 * of each submission, how many at once, how a worker introduces itself, and that nothing
 * runs on for a connection that is gone. Properties 21, 40, 53, 57 and 58.
 *
 * @since 0.1.0
 */
import { type Asked, submits } from "./History.ts"
import { forgetNode, Peers, Submissions } from "./following.ts"
import { type Property, Violation } from "./Property.ts"

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

/** A request that nobody wants any more is not sent, once there was time to say so. */
const withdrawnMillis = 50

/**
 * A client submits what a caller asked for, by the packet that says it, and nothing that
 * no caller wants any more. `workloadsOf` gives what a caller's jobs carry on the wire;
 * `isPrompt` tells whose programs nothing holds up, `earliest` the wall time before which a
 * job that was asked for at that moment must not run.
 *
 * @since 0.1.0
 * @category properties
 */
export const submissions = (
  workloadsOf: (asked: Asked) => ReadonlyArray<string>,
  isPrompt: (node: string) => boolean,
  earliest: (node: string, at: number) => number = () => 0
): Property => {
  /** Of all submissions that were ever asked for: the wall time before which the job must not run. */
  const known = new Map<string, number>()
  /** Of equal ones, whose callers share a submission: how many callers wait, or since when none does. */
  const wanted = new Map<string, { callers: number; until: number }>()
  const open = new Map<number, ReadonlyArray<string>>()
  const shared = (begins: string, unique: string, workload: string) =>
    unique === "" || unique === "-" ? begins + workload : begins
  return {
    name: "submissions",
    packets: "clients",
    observe: ({ at, event }) => {
      switch (event._tag) {
        case "Asked": {
          if (event.kind === "status" || event.kind === "echo") return
          const begins = `${event.node} ${packetOf(event)} ${event.function} ${event.unique} `
          const workloads = workloadsOf(event)
          for (const workload of workloads) {
            const key = begins + workload
            if (!known.has(key)) known.set(key, earliest(event.node, at))
          }
          const keys = workloads.map((workload) => shared(begins, event.unique, workload))
          open.set(event.caller, keys)
          for (const key of keys) wanted.set(key, { callers: (wanted.get(key)?.callers ?? 0) + 1, until: Infinity })
          return
        }
        case "Answered":
          for (const key of open.get(event.caller) ?? []) {
            const entry = wanted.get(key)
            if (entry !== undefined && --entry.callers === 0) entry.until = at
          }
          open.delete(event.caller)
          return
        case "Ended":
          for (const key of wanted.keys()) if (key.startsWith(`${event.node} `)) wanted.delete(key)
          return
        case "Packet": {
          if (event.got || !event.name.startsWith("SUBMIT_")) return
          const [fn = "", unique = "", second = ""] = event.fields
          const workload = event.fields.at(-1)!
          const begins = `${event.node} ${event.name} ${fn} ${unique} `
          const since = known.get(begins + workload)
          const text = `${event.node} sent ${event.name} ${fn} ${unique} ${workload}`
          if (since === undefined) throw new Violation(53, `${text}, which no caller asked for like that`)
          if (event.name === "SUBMIT_JOB_EPOCH" && Number(second) * 1000 < since)
            throw new Violation(27, `${text} for ${second}, which is too early`)
          const until = wanted.get(shared(begins, unique, workload))?.until ?? Infinity
          if (at - until > withdrawnMillis && isPrompt(event.node))
            throw new Violation(40, `${text}, ${at - until} ms after the last caller had left`)
        }
      }
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
export const throttle = (mostOf: (client: string) => number | undefined): Property => {
  const peers = new Peers(() => ({ jobs: new Submissions() }))
  return {
    name: "throttle",
    packets: "clients",
    observe: (moment) => {
      const { event } = moment
      peers.follow(moment)
      if (event._tag !== "Packet") return
      const { got, name, node } = event
      const most = mostOf(node)
      if (most === undefined || peers.stopping.has(node)) return
      const { jobs } = peers.of(event)
      if (got) return jobs.hear(event)
      if (!name.startsWith("SUBMIT_")) return
      jobs.submit({ packet: name })
      let count = 0
      for (const one of peers.connections.values()) if (one.node === node) count += one.jobs.size
      if (count > most) throw new Violation(57, `${node} has ${count} submissions under way, ${most} are allowed`)
    }
  }
}

/**
 * A worker that asks for a job has said over this connection who it is and what it can do.
 *
 * @since 0.1.0
 * @category properties
 */
export const introduction = (): Property => {
  const peers = new Peers(() => ({ isNamed: false, abilities: new Set<string>() }))
  return {
    name: "introduction",
    packets: "workers",
    observe: (moment) => {
      const { event } = moment
      peers.follow(moment)
      if (event._tag !== "Packet" || event.got) return
      const { connection, fields, name, node } = event
      const mine = peers.of(event)
      if (name === "SET_CLIENT_ID") mine.isNamed = fields[0] === node
      else if (name.startsWith("CAN_DO")) mine.abilities.add(fields[0]!)
      else if (name === "CANT_DO") mine.abilities.delete(fields[0]!)
      else if (name.startsWith("GRAB_JOB") && (!mine.isNamed || mine.abilities.size === 0)) {
        const lacks = mine.isNamed ? "what it can do" : "who it is"
        throw new Violation(21, `${node} asks for a job over connection ${connection}, and has not said ${lacks}`)
      }
    }
  }
}

/**
 * A client that has a server does not tell callers that there is none. `isPrompt` tells
 * whose programs nothing holds up.
 *
 * @since 0.1.0
 * @category properties
 */
export const shelter = (isPrompt: (node: string) => boolean): Property => {
  const peers = new Peers(() => ({}))
  const open = new Map<number, Asked>()
  const judge = (asked: Asked, text: string, at: number): void => {
    const isHidden = text === "NoServer" || (text === "Ambiguous" && asked.kind === "run" && asked.idempotent)
    if (!isHidden || peers.stopping.has(asked.node) || !isPrompt(asked.node)) return
    const [connection] = peers.goodBefore(asked.node, at)
    if (connection === undefined) return
    throw new Violation(
      37,
      `caller ${asked.caller} was told ${text} while ${asked.node} had connection ${connection}, a good one`
    )
  }
  return {
    name: "shelter",
    packets: "clients",
    observe: (moment) => {
      const { at, event } = moment
      peers.follow(moment)
      if (event._tag === "Asked") {
        if (submits.has(event.kind)) open.set(event.caller, event)
      } else if (event._tag === "Answered") {
        const asked = open.get(event.caller)
        open.delete(event.caller)
        if (asked !== undefined && event.how === "failure") judge(asked, event.text, at)
      }
    }
  }
}

/** Longer than a handler takes to stop. */
const stopMillis = 1000

/**
 * A handler whose connection is gone is stopped: its result has nowhere to go. `isPrompt`
 * tells whose programs nothing holds up.
 *
 * @since 0.1.0
 * @category properties
 */
export const orphans = (isPrompt: (node: string) => boolean): Property => {
  const serverOf = new Map<number, string>()
  /** By worker, server and handle: the connection that brought the job last. */
  const brought = new Map<string, number>()
  const running = new Map<number, { readonly node: string; readonly connection: number }>()
  const closedAt = new Map<number, number>()
  return {
    name: "orphans",
    packets: "workers",
    observe: ({ at, event }) => {
      switch (event._tag) {
        case "Packet":
          if (event.got && event.name.startsWith("JOB_ASSIGN"))
            brought.set(`${event.node} ${serverOf.get(event.connection)} ${event.fields[0]}`, event.connection)
          return
        case "Began": {
          const [server] = event.server.split(":")
          const connection = brought.get(`${event.node} ${server} ${event.handle}`)
          if (connection !== undefined) running.set(event.execution, { node: event.node, connection })
          return
        }
        case "Finished":
          running.delete(event.execution)
          return
        case "Opened":
          if (event.atServer) serverOf.set(event.connection, event.node)
          return
        case "Closed":
          if (!event.atServer) closedAt.set(event.connection, at)
          return
        case "Ended":
          forgetNode(running, event.node)
      }
    },
    atRest: (_servers, until) => {
      if (closedAt.size === 0) return
      for (const [execution, { connection, node }] of running) {
        const since = closedAt.get(connection)
        if (since === undefined || until - since < stopMillis || !isPrompt(node)) continue
        throw new Violation(
          58,
          `execution ${execution} goes on at ${node}, though its connection ${connection} is gone since ${since} ms`
        )
      }
    }
  }
}
