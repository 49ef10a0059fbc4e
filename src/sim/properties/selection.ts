/**
 * Which server a client submits to: properties 33 and 37.
 *
 * @since 0.1.0
 */
import { type IsPrompt, noted, noticeMillis } from "./following.ts"
import { type Property, Violation } from "./Property.ts"
import type { Connection } from "./Scene.ts"
import type { Submitted } from "./Submissions.ts"

const isRequest = (name: string): boolean => /^(?:SUBMIT_|GET_STATUS|ECHO_REQ|OPTION_REQ)/.test(name)
const isReply = (name: string): boolean => /^(?:JOB_CREATED|STATUS_RES|ECHO_RES|OPTION_RES|ERROR)/.test(name)

/** What a server owes over a connection. */
interface Debt {
  /** Since when it has answered without a pause. */
  upSince: number
  /** Since when the client waits for an answer and hears nothing. */
  silentSince: number
  /** Requests that are not answered. */
  owed: number
}

/** Who owes an answer for so long is late, in its clients' eyes, by clocks that may run a tenth slower. */
const lateMillis = 2300

/**
 * A client sends a submission with a unique to the first server of the order that it is
 * connected to, and none to a server that is late with its answers while it has another.
 * `orderOf` gives the servers for a function, unique and workload; who is not prompt may
 * notice late that a server answers again, and is not judged. `heardAt` tells when a machine
 * last got bytes, also of a packet that has not come whole.
 *
 * @since 0.1.0
 * @category properties
 */
export const selection = (
  orderOf: (fn: string, unique: string, workload: string) => ReadonlyArray<string> | undefined,
  isPrompt: IsPrompt,
  heardAt: (name: string, connection: number) => number = () => 0
): Property => {
  const debtOf = noted<Connection, Debt>(() => ({ upSince: Infinity, silentSince: Infinity, owed: 0 }))
  /** Who owes an answer for long may be down, in its client's eyes. */
  const isUp = (connection: Connection, asked: number, now: number): boolean => {
    const { silentSince, upSince } = debtOf(connection)
    return upSince + noticeMillis <= asked && now - silentSince <= noticeMillis
  }

  const judgeLate = (chosen: Connection, others: ReadonlyArray<Connection>, asked: number, now: number): void => {
    const { id, node, server } = chosen
    const { silentSince } = debtOf(chosen)
    const late = Math.max(Math.min(silentSince, now), heardAt(node, id))
    if (asked === Infinity || asked - late < lateMillis) return
    const other = others.find((one) => one.server !== server && isUp(one, asked, now))
    if (other !== undefined)
      throw new Violation(37, `${node} submits to ${server}, silent since ${late} ms, though it has ${other.server}`)
  }

  const judgeOrder = (job: Submitted, own: ReadonlyArray<Connection>, asked: number, now: number): void => {
    const { connection, function: fn, node, unique, workload } = job
    for (const server of orderOf(fn, unique, workload) ?? []) {
      if (server === connection.server) return
      if (!own.some((one) => one.server === server && isUp(one, asked, now))) continue
      const text = `${node} submits ${fn} ${unique} to ${connection.server}`
      throw new Violation(33, `${text}, though ${server} comes first and has answered`)
    }
  }

  return {
    name: "selection",
    of: "clients",
    heard: ({ now }, connection, { name }) => {
      const debt = debtOf(connection)
      const silent = now - Math.min(debt.silentSince, now)
      debt.owed = Math.max(0, debt.owed - (isReply(name) ? 1 : 0))
      debt.silentSince = debt.owed === 0 ? Infinity : now
      if (debt.upSince === Infinity || silent > noticeMillis) debt.upSince = now
    },
    submitted: (scene, job) => {
      const { connection, function: fn, node } = job
      if (!isPrompt(node) || connection.server === undefined) return
      const asked = scene.callsOf(node).find((call) => call.function === fn)?.at ?? Infinity
      const own = scene.connectionsOf(node)
      judgeLate(connection, own, asked, scene.now)
      judgeOrder(job, own, asked, scene.now)
    },
    said: ({ now }, connection, { name }) => {
      if (!isRequest(name)) return
      const debt = debtOf(connection)
      debt.owed++
      debt.silentSince = Math.min(debt.silentSince, now)
    }
  }
}
