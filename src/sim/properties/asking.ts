/**
 * What callers are told when they ask how a job is, or whether a server is there:
 * properties 37 and 46.
 *
 * @since 0.1.0
 */
import { type Asked } from "./History.ts"
import { Peers } from "./following.ts"
import { type Property, Violation } from "./Property.ts"

interface Question {
  readonly asked: Asked
  readonly at: number
  /** Connections over which it was sent. */
  readonly sent: Set<number>
  /** What came back, in the words that callers are told it in. */
  readonly answers: Array<string>
}

/**
 * A caller is told what a server has said, that nobody knows a job only when all servers
 * at hand were asked, and that there is no server only when there is none. Callers are told
 * `known running numerator denominator`. `uniqueOf` gives the unique that a caller asks for,
 * `isPrompt` tells whose programs nothing holds up.
 *
 * @since 0.1.0
 * @category properties
 */
export const asking = (uniqueOf: (asked: Asked) => string, isPrompt: (client: string) => boolean): Property => {
  const open = new Map<number, Question>()
  const peers = new Peers(() => ({}))
  const hear = (node: string, [unique, known, running, ...progress]: ReadonlyArray<string>): void => {
    const text = `${known === "1"} ${running === "1"} ${progress.slice(0, 2).map(Number).join(" ")}`
    for (const { answers, asked } of open.values())
      if (asked.node === node && asked.kind === "status" && uniqueOf(asked) === unique) answers.push(text)
  }
  const say = (node: string, connection: number, unique: string): void => {
    for (const { asked, sent } of open.values())
      if (asked.node === node && asked.kind === "status" && uniqueOf(asked) === unique) sent.add(connection)
  }
  const judge = (question: Question, how: string, text: string): void => {
    const { answers, asked, at, sent } = question
    const { caller, node } = asked
    if (how === "success" && asked.kind === "status" && !answers.includes(text))
      throw new Violation(46, `caller ${caller} was told ${text}, and servers said: ${answers.join(", ")}`)
    if (!isPrompt(node) || peers.stopping.has(node)) return
    // Those that were good before the question, and still are.
    const left = peers.goodBefore(node, at)
    const unasked = left.find((connection) => !sent.has(connection))
    if (how === "success" && asked.kind === "status" && text.startsWith("false") && unasked !== undefined)
      throw new Violation(
        46,
        `caller ${caller} was told that nobody knows the job, and connection ${unasked} was not asked`
      )
    if (how === "failure" && text === "NoServer" && left.length > 0)
      throw new Violation(37, `caller ${caller} was told NoServer while ${node} had connection ${left[0]}`)
  }
  return {
    name: "asking",
    packets: "clients",
    observe: (moment) => {
      const { at, event } = moment
      peers.follow(moment)
      switch (event._tag) {
        case "Asked":
          if (event.kind === "status" || event.kind === "echo")
            open.set(event.caller, { asked: event, at, sent: new Set(), answers: [] })
          return
        case "Answered": {
          const question = open.get(event.caller)
          open.delete(event.caller)
          if (question !== undefined) judge(question, event.how, event.text)
          return
        }
        case "Packet": {
          const { connection, fields, got, name, node } = event
          if (got && name === "STATUS_RES_UNIQUE") hear(node, fields)
          else if (!got && name === "GET_STATUS_UNIQUE") say(node, connection, fields[0]!)
          return
        }
        case "Ended":
          for (const [caller, { asked }] of open) if (asked.node === event.node) open.delete(caller)
      }
    }
  }
}
