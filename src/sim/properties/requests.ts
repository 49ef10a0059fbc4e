/**
 * What clients and workers say by themselves, judged by what they were asked: the packet
 * of each submission, how many at once, how a worker introduces itself, and that nothing
 * runs on for a connection that is gone. Properties 21, 40, 53, 57 and 58.
 *
 * @since 0.1.0
 */
import { type Asked, endsJob, submits } from "./History.ts"
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
  const connections = new Map<
    number,
    { readonly node: string; readonly sent: Array<boolean>; readonly held: Map<string, number> }
  >()
  const stopping = new Set<string>()
  const underWay = (node: string): number => {
    let count = 0
    for (const one of connections.values()) {
      if (one.node !== node) continue
      count += one.sent.length
      for (const jobs of one.held.values()) count += jobs
    }
    return count
  }
  return {
    name: "throttle",
    packets: "clients",
    observe: ({ event }) => {
      if (event._tag === "Stopping") stopping.add(event.node)
      else if (event._tag === "Started") stopping.delete(event.node)
      else if (event._tag === "Closed" && !event.atServer) connections.delete(event.connection)
      else if (event._tag === "Ended") {
        for (const [connection, { node }] of connections) if (node === event.node) connections.delete(connection)
      }
      if (event._tag !== "Packet") return
      const { connection, fields, got, name, node } = event
      const most = mostOf(node)
      if (most === undefined || stopping.has(node)) return
      const mine = connections.get(connection) ?? { node, sent: [], held: new Map<string, number>() }
      connections.set(connection, mine)
      const handle = fields[0] ?? ""
      if (!got && name.startsWith("SUBMIT_")) {
        mine.sent.push(name.endsWith("_BG") || name.endsWith("_EPOCH"))
        const count = underWay(node)
        if (count > most) throw new Violation(57, `${node} has ${count} submissions under way, ${most} are allowed`)
      } else if (got && name === "JOB_CREATED") {
        if (mine.sent.shift() === false) mine.held.set(handle, (mine.held.get(handle) ?? 0) + 1)
      } else if (got && name === "ERROR") mine.sent.shift()
      else if (got && endsJob.has(name)) mine.held.delete(handle)
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
  const known = new Map<number, { isNamed: boolean; readonly abilities: Set<string> }>()
  return {
    name: "introduction",
    packets: "workers",
    observe: ({ event }) => {
      if (event._tag === "Closed" && !event.atServer) known.delete(event.connection)
      if (event._tag !== "Packet" || event.got) return
      const { connection, fields, name, node } = event
      const mine = known.get(connection) ?? { isNamed: false, abilities: new Set<string>() }
      known.set(connection, mine)
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

/** Longer than a client takes to notice a server's first answer. */
const noticeMillis = 200

/**
 * A client that has a server does not tell callers that there is none. `isPrompt` tells
 * whose programs nothing holds up.
 *
 * @since 0.1.0
 * @category properties
 */
export const shelter = (isPrompt: (node: string) => boolean): Property => {
  /** By connection: the client and since when the server has answered over it. */
  const up = new Map<number, { readonly node: string; readonly since: number }>()
  const open = new Map<number, Asked>()
  const stopping = new Set<string>()
  const judge = (asked: Asked, text: string, at: number): void => {
    const isHidden = text === "NoServer" || (text === "Ambiguous" && asked.kind === "run" && asked.idempotent)
    if (!isHidden || stopping.has(asked.node) || !isPrompt(asked.node)) return
    for (const [connection, { node, since }] of up) {
      if (node !== asked.node || at - since < noticeMillis) continue
      throw new Violation(
        37,
        `caller ${asked.caller} was told ${text} while ${node} had connection ${connection}, good since ${since} ms`
      )
    }
  }
  return {
    name: "shelter",
    packets: "clients",
    observe: ({ at, event }) => {
      switch (event._tag) {
        case "Packet":
          if (event.got && !up.has(event.connection)) up.set(event.connection, { node: event.node, since: at })
          return
        case "Closed":
          if (!event.atServer) up.delete(event.connection)
          return
        case "Stopping":
          stopping.add(event.node)
          return
        case "Started":
          stopping.delete(event.node)
          return
        case "Ended":
          for (const [connection, { node }] of up) if (node === event.node) up.delete(connection)
          return
        case "Asked":
          if (submits.has(event.kind)) open.set(event.caller, event)
          return
        case "Answered": {
          const asked = open.get(event.caller)
          open.delete(event.caller)
          if (asked !== undefined && event.how === "failure") judge(asked, event.text, at)
        }
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
          for (const [execution, { node }] of running) if (node === event.node) running.delete(execution)
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
