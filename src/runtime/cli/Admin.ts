/**
 * The asking side of the text protocol: one command, one reply, from our job server,
 * gearmand or any other.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Socket from "effect/socket/Socket"
import * as Network from "../../protocol/Network.ts"

/** A job server that could not be asked, in words for people. */
export class Unreachable extends Schema.TaggedError<Unreachable>("effect-gearman/cli/Unreachable")("Unreachable", {
  server: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `cannot reach the job server ${this.server}: ${this.problem}. Servers are given by --server or GEARMAN_SERVERS`
  }
}

/** A job server that refused a command. */
export class CommandRefused extends Schema.TaggedError<CommandRefused>("effect-gearman/cli/CommandRefused")(
  "CommandRefused",
  { server: Schema.String, command: Schema.String, reply: Schema.String }
) {
  override get message() {
    return `${this.server} refused "${this.command}": ${this.reply}`
  }
}

/** What went wrong on the way, as people say it. */
export const problemOf = (error: Socket.SocketError): string => {
  const { reason } = error
  if (reason._tag === "SocketOpenError" && reason.kind === "Timeout") return "it did not answer in time"
  const cause = "cause" in reason ? (reason.cause as NodeJS.ErrnoException & { errors?: Array<Error> }) : undefined
  switch (cause?.code) {
    case "ECONNREFUSED":
      return "nothing listens there (connection refused)"
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name is unknown"
    case "ENOENT":
      return "there is no such socket file"
    case "EACCES":
      return "permission denied"
    case "ECONNRESET":
      return "it closed the connection"
    case undefined:
      return reason._tag === "SocketCloseError" ? "it closed the connection" : (cause?.message ?? error.message)
    default:
      return cause!.message
  }
}

/** How a reply ends: a list by a line with a dot, anything else by its first line's end. */
export type Reply = "list" | "line"

const isComplete = (text: string, reply: Reply): boolean =>
  reply === "line" || text.startsWith("ERR ") ? text.endsWith("\n") : text === ".\n" || text.endsWith("\n.\n")

/**
 * Sends a command and returns the reply's lines, a list's without the final dot.
 */
export const ask = Effect.fnUntraced(
  function* (address: Network.Address, command: string, reply: Reply, timeout: Duration.Input = "10 seconds") {
    const server = Network.format(address)
    const network = yield* Network.Network
    const socket = yield* network.connect(address)
    const conversation = Effect.gen(function* () {
      const reader = yield* socket.reader
      const writer = yield* socket.writer
      yield* writer.write(`${command}\n`)
      const decoder = new TextDecoder()
      let text = ""
      while (!isComplete(text, reply)) {
        for (const chunk of yield* reader.pull) {
          text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })
        }
      }
      return text
    })
    const text = yield* conversation.pipe(
      Effect.mapError((error) => new Unreachable({ server, problem: problemOf(error) })),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () =>
          Effect.fail(
            new Unreachable({ server, problem: `it did not answer "${command}" within ${Duration.format(Duration.fromInputUnsafe(timeout))}` })
          )
      })
    )
    const lines = text.split("\n").map((line) => line.replace(/\r$/, ""))
    lines.pop()
    if (lines[0]?.startsWith("ERR ")) {
      return yield* new CommandRefused({ server, command, reply: readable(lines[0]) })
    }
    if (reply === "list") lines.pop()
    return lines
  },
  Effect.scoped
)

/** `ERR CODE Some+text` as people read it. */
const readable = (line: string): string => {
  const [, code = "", text = ""] = line.split(" ")
  return text === "" ? code : `${text.replaceAll("+", " ")} (${code})`
}

/** One function on one server. */
export interface FunctionStatus {
  readonly server: string
  readonly function: string
  readonly queued: number
  readonly running: number
  readonly workers: number
}

/** The functions of a server, by name. */
export const status = Effect.fnUntraced(function* (address: Network.Address) {
  const lines = yield* ask(address, "status", "list")
  return lines
    .map((line): FunctionStatus => {
      const [name = "", total, running, workers] = line.split("\t")
      return {
        server: Network.format(address),
        function: name,
        queued: Number(total) - Number(running),
        running: Number(running),
        workers: Number(workers)
      }
    })
    .sort((left, right) => (left.function < right.function ? -1 : 1))
})

/** One connection of a server. */
export interface ConnectionStatus {
  readonly server: string
  readonly connection: number
  readonly host: string
  readonly clientId: string
  readonly functions: ReadonlyArray<string>
}

/** The connections of a server; those that can do nothing are clients. */
export const connections = Effect.fnUntraced(function* (address: Network.Address) {
  const lines = yield* ask(address, "workers", "list")
  return lines.map((line): ConnectionStatus => {
    const match = /^(\S+) (\S+) (.*?) :(.*)$/.exec(line)
    return {
      server: Network.format(address),
      connection: Number(match?.[1] ?? Number.NaN),
      host: match?.[2] ?? "",
      clientId: match?.[3] ?? "",
      functions: (match?.[4] ?? "").split(" ").filter((name) => name !== "")
    }
  })
})

/** One job of a server. */
export interface JobStatus {
  readonly server: string
  readonly handle: string
  readonly retries: number
  /** Cancelled or abandoned, and not yet taken away. */
  readonly ignored: boolean
  readonly background: boolean
}

/** The jobs of a server. */
export const jobs = Effect.fnUntraced(function* (address: Network.Address) {
  const lines = yield* ask(address, "show jobs", "list")
  return lines.map((line): JobStatus => {
    const [handle = "", retries, ignored, background] = line.split("\t")
    return {
      server: Network.format(address),
      handle,
      retries: Number(retries),
      ignored: ignored === "1",
      background: background === "1"
    }
  })
})
