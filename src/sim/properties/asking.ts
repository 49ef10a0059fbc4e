/**
 * What callers are told when they ask how a job is, or whether a server is there:
 * properties 37 and 46.
 *
 * @since 0.1.0
 */
import type { Asked } from "./History.ts"
import { goodBefore, type IsPrompt, noted } from "./following.ts"
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
  return {
    name: "asking",
    of: "clients",
    said: (scene, connection, { fields: [unique = ""], name, node }) => {
      if (name !== "GET_STATUS_UNIQUE") return
      for (const { sent } of questions(scene, node, unique)) sent.add(connection)
    },
    heard: (scene, _, { fields: [unique = "", known, running, ...progress], name, node }) => {
      if (name !== "STATUS_RES_UNIQUE") return
      const text = `${known === "1"} ${running === "1"} ${progress.slice(0, 2).map(Number).join(" ")}`
      for (const { answers } of questions(scene, node, unique)) answers.push(text)
    },
    answered: (scene, call, { how, text }) => {
      if (how !== "success" || call.kind !== "status") return
      const { answers, sent } = questionOf(call)
      const told = `caller ${call.caller} was told ${text}, and`
      if (!answers.includes(text)) throw new Violation(46, `${told} servers said: ${answers.join(", ")}`)
      const unasked = text.startsWith("false") && atHand(scene, call).find((connection) => !sent.has(connection))
      if (unasked) throw new Violation(46, `${told} connection ${unasked.id} was not asked`)
    },
    failed: (scene, call, reason) => {
      if (reason !== "NoServer" || (call.kind !== "status" && call.kind !== "echo")) return
      const [good] = atHand(scene, call)
      if (good === undefined) return
      throw new Violation(37, `caller ${call.caller} was told NoServer while ${call.node} had connection ${good.id}`)
    }
  }
}
