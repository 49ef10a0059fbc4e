/**
 * Operators: people and monitors who speak the text protocol over connections of their own,
 * while jobs are under way. They look, limit, cancel and drop, and sometimes mistype.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Codec from "../../protocol/Codec.ts"
import * as Network from "../../protocol/Network.ts"
import * as Packet from "../../protocol/Packet.ts"
import { Dice } from "./Dice.ts"
import type { FunctionName, Scenario } from "./Scenario.ts"

/**
 * A line, without its end. In it `$shown` stands for a job that the operator was last shown.
 *
 * @since 0.1.0
 * @category models
 */
export interface Line {
  readonly at: number
  readonly text: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface OperatorPlan {
  /** The number of the job server it talks to, from 1. */
  readonly server: number
  readonly lines: ReadonlyArray<Line>
}

const looks = ["status", "prioritystatus", "workers", "show jobs", "show unique jobs", "show functions"]

const mistakes = ["", "stats", "show", "show all", "cancel job", "cancel job H:none:1", "maxqueue", "drop function"]

/** Ends the connection: no command has so many words. */
const tooLong = "please cancel the first job now"

const drawLine = (dice: Dice, functions: ReadonlyArray<FunctionName>): string => {
  const name = dice.of(functions)
  switch (dice.below(10)) {
    case 0:
      return dice.of([dice.of(mistakes), dice.of(mistakes), tooLong])
    case 1:
      return dice.of(["version", "getpid", "verbose", "STATUS"])
    case 2:
      return dice.of([`drop function ${name}`, "create function spare", "drop function spare"])
    case 3:
      // Soon given up again, or nothing would get done in a run with few functions.
      return dice.of([
        `maxqueue ${name}`,
        `maxqueue ${name} 0 1 1`,
        `maxqueue ${name} ${dice.between(1, 4)}`,
        `maxqueue ${name} ${dice.between(1, 4)} ${dice.between(1, 4)}`,
        `maxqueue ${name} ${dice.between(1, 4)} ${dice.between(1, 4)} ${dice.between(1, 4)}`
      ])
    case 4:
    case 5:
      return "cancel job $shown"
    default:
      return dice.of(looks)
  }
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const operatorOf = (
  dice: Dice,
  server: number,
  functions: ReadonlyArray<FunctionName>,
  spanMillis: number
): OperatorPlan => {
  const lines = Array.from({ length: dice.between(3, 20) }, () => {
    const at = dice.below(spanMillis)
    const text = drawLine(dice, functions)
    if (!text.startsWith("cancel job $")) return [{ at, text }]
    // Whoever cancels has just looked.
    const look = { at: Math.max(0, at - dice.of([0, 20])), text: "show jobs" }
    return [look, { at, text }]
  })
  return { server, lines: lines.flat().sort((one, other) => one.at - other.at) }
}

/**
 * In most scenarios nobody. The numbers are of their own: the worlds of the seeds are
 * otherwise what they were before there were operators.
 *
 * @since 0.1.0
 * @category constructors
 */
export const drawOperators = (
  seed: number,
  servers: number,
  functions: ReadonlyArray<FunctionName>,
  spanMillis: number
): ReadonlyArray<OperatorPlan> => {
  const dice = new Dice(seed ^ 0x7e47c0de)
  if (!dice.oneIn(4)) return []
  return Array.from({ length: dice.between(1, 2) }, () => {
    const server = dice.between(1, servers)
    return operatorOf(dice, server, functions, spanMillis)
  })
}

/**
 * What operators may do to callers: cancel their jobs, or have them refused.
 *
 * @since 0.1.0
 * @category predicates
 */
export const says = ({ operators }: Pick<Scenario, "operators">, command: string): boolean =>
  operators.some(({ lines }) => lines.some(({ text }) => text.startsWith(command)))

/**
 * Says what is planned, and hangs up.
 *
 * @since 0.1.0
 * @category programs
 */
export const operator = (plan: OperatorPlan) =>
  Effect.scoped(
    Effect.gen(function* () {
      const network = yield* Network.Network
      const socket = yield* network.connect(Network.tcp(`server${plan.server}`))
      let shown = "H:none"
      const decoder = new Codec.Decoder({
        packet: () => {},
        line: (line) => {
          const [handle, , , background] = line.split("\t")
          if (background !== undefined && handle!.startsWith("H:")) shown = handle!
        }
      })
      const reader = yield* socket.reader
      const writer = yield* socket.writer
      const speaking = Effect.gen(function* () {
        let saidAt = 0
        for (const { at, text } of plan.lines) {
          if (at > saidAt) yield* Effect.sleep(at - saidAt)
          saidAt = at
          const line = text.replace("$shown", shown)
          yield* writer.write(Packet.toBytes(`${line}${text.length % 2 === 0 ? "\n" : "\r\n"}`))
        }
        yield* Effect.sleep(1000)
      })
      const listening = Effect.forever(
        Effect.map(reader.pull, (chunks) => {
          for (const chunk of chunks) decoder.push(chunk as Uint8Array)
        })
      )
      yield* Effect.raceFirst(speaking, listening)
    })
  ).pipe(Effect.ignore)
