/**
 * The asking side of the text protocol: one command, one reply, from our job server,
 * gearmand or any other.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Socket from "effect/socket/Socket"
import * as Admin from "../../protocol/Admin.ts"
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
  if (reason._tag === "SocketCloseError") return "it closed the connection"
  const cause = reason.cause as (NodeJS.ErrnoException & { readonly reason?: unknown }) | undefined
  // OpenSSL's; its message tells the place in its sources too.
  if (typeof cause?.reason === "string") return cause.reason
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
    default:
      return cause?.message ?? error.message
  }
}

/** How a reply ends: a list by a line with a dot, anything else by its first line's end. */
export type Reply = "list" | "line"

const isComplete = (text: string, reply: Reply): boolean =>
  reply === "line" || text.startsWith("ERR ") ? text.endsWith("\n") : text === ".\n" || text.endsWith("\n.\n")

/** Names are UTF-8 by convention only; what is not stays readable as latin-1. */
const decode = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder("latin1").decode(bytes)
  }
}

/** `ERR CODE Some+text` as people read it. */
const readable = (line: string): string => {
  const [, code = "", text = ""] = line.split(" ")
  return text === "" ? code : `${text.replaceAll("+", " ")} (${code})`
}

const converse = Effect.fnUntraced(function* (socket: Socket.Socket, command: string, reply: Reply) {
  const reader = yield* socket.reader
  const writer = yield* socket.writer
  yield* writer.write(`${command}\n`)
  const received: Array<Uint8Array> = []
  let [start, end] = ["", ""]
  while (!isComplete(start + end, reply)) {
    for (const chunk of yield* reader.pull) {
      received.push(chunk as Uint8Array)
      const text = Buffer.from(chunk as Uint8Array).toString("latin1")
      start = (start + text.slice(0, 4)).slice(0, 4)
      end = (end + text.slice(-3)).slice(-3)
    }
  }
  return decode(Buffer.concat(received))
})

/**
 * Sends a command and returns the reply's lines, a list's without the final dot.
 */
export const ask = Effect.fnUntraced(function* (
  address: Network.Address,
  command: string,
  reply: Reply,
  timeout: Duration.Input = "10 seconds"
) {
  const server = Network.format(address)
  const network = yield* Network.Network
  const socket = yield* network.connect(address)
  const inTime = `it did not answer "${command}" within ${Duration.format(Duration.fromInputUnsafe(timeout))}`
  const text = yield* converse(socket, command, reply).pipe(
    Effect.mapError((error) => new Unreachable({ server, problem: problemOf(error) })),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(new Unreachable({ server, problem: inTime }))
    })
  )
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""))
  lines.pop()
  if (lines[0]?.startsWith("ERR ")) {
    return yield* new CommandRefused({ server, command, reply: readable(lines[0]) })
  }
  if (reply === "list") lines.pop()
  return lines
}, Effect.scoped)

/** Sees whether a server can be reached at all. */
export const dial = Effect.fnUntraced(function* (address: Network.Address) {
  const network = yield* Network.Network
  const socket = yield* network.connect(address)
  const server = Network.format(address)
  yield* Effect.mapError(socket.reader, (error) => new Unreachable({ server, problem: problemOf(error) }))
}, Effect.scoped)

/** The functions of a server, by name. */
export const status = (address: Network.Address) =>
  Effect.map(ask(address, "status", "list"), (lines) =>
    Admin.parseStatus(lines)
      .map((row) => ({
        server: Network.format(address),
        function: row.function,
        queued: row.total - row.running,
        running: row.running,
        workers: row.workers
      }))
      .sort((left, right) => (left.function < right.function ? -1 : 1))
  )

/** What each function may be waiting for, which only our server tells; others give nothing. */
export const functions = (address: Network.Address) =>
  ask(address, "show functions", "list").pipe(
    Effect.map((lines) => new Map(Admin.parseFunctions(lines).map((row) => [row.function, row]))),
    Effect.catchTag("CommandRefused", () => Effect.succeed(new Map<string, Admin.FunctionRow>()))
  )

/** The connections of a server; those that can do nothing are clients. */
export const workers = (address: Network.Address) =>
  Effect.map(ask(address, "workers", "list"), (lines) =>
    Admin.parseWorkers(lines).map((row) => ({ server: Network.format(address), ...row }))
  )

/** The jobs of a server. */
export const jobs = (address: Network.Address) =>
  Effect.map(ask(address, "show jobs", "list"), (lines) =>
    Admin.parseJobs(lines).map((row) => ({ server: Network.format(address), ...row }))
  )
