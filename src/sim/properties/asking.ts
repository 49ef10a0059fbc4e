/**
 * What callers are told when they ask how a job is, or whether a server is there:
 * properties 37, 40 and 46.
 *
 * @since 0.1.0
 */
import type { Asked } from "./History.ts"
import { goodBefore, type IsPrompt, noted } from "./following.ts"
import { withdrawnMillis } from "./requests.ts"
import { type Property, Violation } from "./Property.ts"
import type { Call, Connection, Scene } from "./Scene.ts"

interface Question {
  /** Over which it was sent. */
  readonly sent: Set<Connection>
  /** What came back, in the words that callers are told it in. */
  readonly answers: Array<string>
}

/**
 * A caller is told what a server has said, that nobody knows a job only when all servers
 * at hand were asked, and that there is no server only when there is none. Callers are told
 * `known running numerator denominator`. `uniqueOf` gives the unique that a caller asks for.
 *
 * @since 0.1.0
 * @category properties
 */
export const asking = (uniqueOf: (asked: Asked) => string, isPrompt: IsPrompt): Property => {
  const questionOf = noted<Call, Question>(() => ({ sent: new Set(), answers: [] }))
  const questions = (scene: Scene, node: string, unique: string): ReadonlyArray<Question> =>
    scene
      .callsOf(node)
      .filter((call) => call.kind === "status" && uniqueOf(call) === unique)
      .map(questionOf)
  /** Those that were good before the question, and still are. */
  const atHand = (scene: Scene, { at, node }: Call) =>
    isPrompt(node) && !scene.stopping.has(node) ? goodBefore(scene, node, at) : []
  /** By client and unique: until when somebody wanted to know. */
  const wantedUntil = new Map<string, number>()
  /** By client: what servers have said of jobs, by their handles. */
  const told = new Map<string, Set<string>>()
  return {
    name: "asking",
    of: "clients",
    said: (scene, connection, { fields: [unique = ""], name, node }) => {
      if (name !== "GET_STATUS_UNIQUE") return
      const wanting = questions(scene, node, unique)
      for (const { sent } of wanting) sent.add(connection)
      const until = wantedUntil.get(`${node} ${unique}`) ?? scene.now
      if (wanting.length === 0 && scene.now - until > withdrawnMillis && isPrompt(node))
        throw new Violation(40, `${node} asks for the status of ${unique}, and nobody wants that since ${until} ms`)
    },
    heard: (scene, _, { fields: [first = "", known, running, ...progress], name, node }) => {
      if (!name.startsWith("STATUS_RES")) return
      const text = `${known === "1"} ${running === "1"} ${progress.slice(0, 2).map(Number).join(" ")}`
      if (name === "STATUS_RES_UNIQUE") for (const { answers } of questions(scene, node, first)) answers.push(text)
      else told.set(node, (told.get(node) ?? new Set()).add(`${first} ${text}`))
    },
    hears: (_, { caller, node }, { kind, text }) => {
      if (kind === "status" && told.get(node)?.has(text) !== true)
        throw new Violation(46, `caller ${caller} was told ${text}, which no server has said`)
    },
    answered: (scene, call, { how, text }) => {
      if (call.kind === "status") wantedUntil.set(`${call.node} ${uniqueOf(call)}`, scene.now)
      if (how !== "success" || call.kind !== "status") return
      const { answers, sent } = questionOf(call)
      const words = `caller ${call.caller} was told ${text}, and`
      if (!answers.includes(text)) throw new Violation(46, `${words} servers said: ${answers.join(", ")}`)
      const unasked = text.startsWith("false") && atHand(scene, call).find((connection) => !sent.has(connection))
      if (unasked) throw new Violation(46, `${words} connection ${unasked.id} was not asked`)
    },
    failed: (scene, call, reason) => {
      if (reason !== "NoServer" || (call.kind !== "status" && call.kind !== "echo")) return
      const [good] = atHand(scene, call)
      if (good === undefined) return
      throw new Violation(37, `caller ${call.caller} was told NoServer while ${call.node} had connection ${good.id}`)
    }
  }
}
