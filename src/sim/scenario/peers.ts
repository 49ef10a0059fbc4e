/**
 * Peers that are no programs of ours: they say any packet of the protocol at any time, as
 * clients and workers in other languages, or broken ones, might.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Codec from "../../protocol/Codec.ts"
import * as Network from "../../protocol/Network.ts"
import * as Packet from "../../protocol/Packet.ts"
import type { Dice } from "./Dice.ts"
import type { FunctionName, PeerPlan, Saying } from "./Scenario.ts"

/**
 * The packets a peer may send.
 *
 * @since 0.1.0
 * @category models
 */
export type RequestName = Extract<
  Packet.Name,
  | `SUBMIT_JOB${string}`
  | `GRAB_JOB${string}`
  | `WORK_${string}`
  | `GET_STATUS${string}`
  | `CAN_DO${string}`
  | "CANT_DO"
  | "RESET_ABILITIES"
  | "PRE_SLEEP"
  | "OPTION_REQ"
  | "ECHO_REQ"
>

/**
 * What a peer says as a result; callers may get it in place of a real one.
 *
 * @since 0.1.0
 * @category constants
 */
export const foreignResult = "foreign"

const servable: ReadonlyArray<FunctionName> = ["merged", "once", "streamed", "limited", "mapped"]

/** What is said how often, as a worker, as a client, and by somebody who does not know what he does. */
const asWorker: ReadonlyArray<RequestName> = [
  "CAN_DO",
  "CAN_DO",
  "GRAB_JOB",
  "GRAB_JOB_UNIQ",
  "GRAB_JOB_ALL",
  "GRAB_JOB",
  "PRE_SLEEP",
  "PRE_SLEEP",
  "WORK_DATA",
  "WORK_STATUS",
  "WORK_WARNING",
  "WORK_COMPLETE",
  "WORK_COMPLETE",
  "WORK_FAIL",
  "WORK_EXCEPTION",
  "CANT_DO",
  "CAN_DO_TIMEOUT",
  "RESET_ABILITIES"
]

const asClient: ReadonlyArray<RequestName> = [
  "SUBMIT_JOB",
  "SUBMIT_JOB",
  "SUBMIT_JOB_HIGH",
  "SUBMIT_JOB_LOW",
  "SUBMIT_JOB_BG",
  "SUBMIT_JOB_HIGH_BG",
  "SUBMIT_JOB_LOW_BG",
  "SUBMIT_JOB_EPOCH",
  "GET_STATUS",
  "GET_STATUS",
  "GET_STATUS_UNIQUE",
  "OPTION_REQ",
  "ECHO_REQ"
]

const sentencesOf: ReadonlyArray<ReadonlyArray<RequestName>> = [asWorker, asClient, [...asWorker, ...asClient]]

/** Asks for far more than it takes. */
const flood = (server: number, spanMillis: number): PeerPlan => {
  const saying: Saying = { at: Math.floor(spanMillis / 2), packet: "ECHO_REQ", fields: ["-".repeat(10_000)] }
  return { server, sayings: Array.from({ length: 40 }, () => saying), lastWords: "", isDeaf: true }
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const drawPeers = (
  dice: Dice,
  servers: number,
  functions: ReadonlyArray<FunctionName>,
  spanMillis: number
): ReadonlyArray<PeerPlan> => {
  const own = functions.filter((name) => servable.includes(name))
  if (own.length === 0 || dice.oneIn(2)) return []
  if (dice.oneIn(8)) return [flood(dice.between(1, servers), spanMillis)]
  const uniques = dice.of([1, 3])
  return Array.from({ length: dice.between(1, 3) }, () => {
    const sentences = dice.of(sentencesOf)
    // Half of them say much at once, so that whole conversations arrive in one piece.
    const times = dice.of([1, 4, 1000])
    const sayings = Array.from({ length: dice.between(3, 30) }, () => {
      const packet = dice.of(sentences)
      const at = Math.floor((dice.below(times) * spanMillis) / times)
      return {
        at,
        packet,
        fields: drawFields(
          dice,
          packet,
          dice.of(packet.startsWith("SUBMIT_JOB") ? functions : own),
          `u${dice.below(uniques)}`
        )
      }
    })
    return {
      server: dice.between(1, servers),
      sayings: sayings.sort((one, other) => one.at - other.at),
      lastWords: dice.oneIn(3) ? dice.of(lastWords(dice.of(own))) : "",
      isDeaf: false
    }
  })
}

const header = (type: number, length: string): string => `\0REQ\0\0\0${String.fromCharCode(type)}${length}`

/** What is no Gearman, or more than anybody takes; and what must not be heard any more after it. */
const lastWords = (fn: string): ReadonlyArray<string> => {
  const packet = (type: number, body: string) => `${header(type, `\0\0\0${String.fromCharCode(body.length)}`)}${body}`
  const asking = packet(Packet.PacketType.CAN_DO, fn) + packet(Packet.PacketType.GRAB_JOB, "")
  return [
    header(Packet.PacketType.ECHO_REQ, "\u0080\0\0\u0001"),
    header(Packet.PacketType.ECHO_REQ, "\u0008\0\0\0"),
    header(99, "\0\0\0\0") + asking,
    `\0ABC${asking}`,
    `one two three four five six\n${asking}`,
    `status\nworkers\n`
  ]
}

const drawFields = (dice: Dice, packet: RequestName, fn: string, unique: string): ReadonlyArray<string> => {
  const handle = dice.of(["$assigned", "$assigned", "$assigned", "$created", "$other"])
  const workload = `i${dice.below(5)}@${dice.of([0, 0, 30])}`
  if (packet === "SUBMIT_JOB_EPOCH") return [fn, unique, String(1_893_456_000 + dice.below(30)), workload]
  if (packet.startsWith("SUBMIT_JOB")) return [fn, dice.of([unique, "-", ""]), workload]
  switch (packet) {
    case "CAN_DO":
    case "CANT_DO":
      return [fn]
    case "CAN_DO_TIMEOUT":
      return [fn, dice.of(["1", "1500", "0"])]
    case "WORK_STATUS":
      return [handle, String(dice.below(5)), "5"]
    case "WORK_FAIL":
    case "GET_STATUS":
      return [handle]
    case "GET_STATUS_UNIQUE":
      return [unique]
    case "OPTION_REQ":
      return ["exceptions"]
    case "ECHO_REQ":
      return [workload]
    case "WORK_DATA":
    case "WORK_WARNING":
    case "WORK_EXCEPTION":
      return [handle, `said ${dice.below(1000)}`]
    case "WORK_COMPLETE":
      return [handle, foreignResult]
    default:
      return []
  }
}

/** The last handles that anybody got, for those who meddle with others' jobs. */
export interface Handles {
  last: string
}

/**
 * Says what is planned, and hangs up. `startedAt` is when the program starts.
 *
 * @since 0.1.0
 * @category programs
 */
export const peer = (plan: PeerPlan, handles: Handles) =>
  Effect.scoped(
    Effect.gen(function* () {
      const network = yield* Network.Network
      const socket = yield* network.connect(Network.tcp(`server${plan.server}`))
      const known: { [name: string]: string } = { $assigned: "H:none", $created: "H:none" }
      const decoder = new Codec.Decoder({
        packet: (frame) => {
          const isCreated = frame.type === Packet.PacketType.JOB_CREATED
          if (!isCreated && !Packet.nameOf(frame.type)!.startsWith("JOB_ASSIGN")) return
          frame.split()
          known[isCreated ? "$created" : "$assigned"] = frame.key(0)
          handles.last = frame.key(0)
        }
      })
      const reader = yield* socket.reader
      const writer = yield* socket.writer
      const say = ({ fields, packet }: Saying) => {
        const names = Packet.definitions[packet].fields
        const values = names.map((name, index) => {
          const field = fields[index] ?? ""
          return [name, field === "$other" ? handles.last : (known[field] ?? field)] as const
        })
        return writer.write(Codec.encode(Packet.request(packet, Object.fromEntries(values) as never)))
      }
      const speaking = Effect.gen(function* () {
        let saidAt = 0
        for (const saying of plan.sayings) {
          if (saying.at > saidAt) yield* Effect.sleep(saying.at - saidAt)
          saidAt = saying.at
          yield* say(saying)
        }
        if (plan.lastWords !== "") yield* writer.write(Codec.fromLatin1(plan.lastWords))
        yield* Effect.sleep(plan.lastWords === "" ? 100 : 1000)
      })
      const listening = Effect.forever(
        Effect.map(reader.pull, (chunks) => {
          for (const chunk of chunks) decoder.push(chunk as Uint8Array)
        })
      )
      // Who never reads is kept waiting some day, and then hangs up.
      if (plan.isDeaf) yield* Effect.timeoutOption(speaking, "5 seconds")
      else yield* Effect.raceFirst(speaking, listening)
    })
  ).pipe(Effect.ignore)
