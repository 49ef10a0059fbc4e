/**
 * The text commands, word by word as gearmand understands them and byte by byte as it
 * answers. (Gearman protocol, "Administrative Protocol")
 *
 * @since 0.1.0
 */
import * as Admin from "../Admin.ts"
import * as Codec from "../Codec.ts"
import type { ServerFunction } from "./Functions.ts"
import type { Job } from "./Job.ts"
import type { Jobs } from "./Jobs.ts"
import { listed } from "./ListOrder.ts"
import type { Options } from "./Options.ts"
import type { Session } from "./Session.ts"

/**
 * What the commands act on.
 *
 * @since 0.1.0
 * @category models
 */
export interface Administered {
  readonly jobs: Jobs
  readonly options: Options
  readonly sessions: ReadonlySet<Session>
  readonly requestShutdown: (kind: "now" | "graceful") => void
}

const ok = "OK\r\n"
const unknownCommand = (word: string) => `ERR UNKNOWN_COMMAND Unknown+server+command${word}\r\n`
const tooFewArguments = (word: string) =>
  `ERR INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command+${word}\r\n`

/**
 * The words of a line. Runs of spaces separate, tabs do not; a line that begins or ends
 * with a space has an empty first or last word. A NUL ends the line, as in C.
 *
 * @since 0.1.0
 * @category decoding
 */
export const wordsOf = (line: string): ReadonlyArray<string> => line.split("\0", 1)[0]!.split(/ +/)

/**
 * The answer to a command line, or `undefined` when it has more words than a command may
 * have, which closes the connection.
 *
 * @since 0.1.0
 * @category operations
 */
export const answer = (server: Administered, line: string): string | undefined => {
  const words = wordsOf(line)
  if (words.length > server.options.maxLineWords) return undefined
  const [command] = words as [string]
  switch (command.toLowerCase()) {
    case "status":
      return Admin.formatStatus(functionsOf(server).map(statusRow))
    case "prioritystatus":
      return Admin.formatPriorityStatus(functionsOf(server).map(priorityStatusRow))
    case "workers":
      return Admin.formatWorkers(Array.from(server.sessions, workerRow).toReversed())
    case "show":
      return show(server.jobs, words)
    case "cancel":
      return cancel(server.jobs, words)
    case "create":
      return create(server, words)
    case "drop":
      return drop(server.jobs, words)
    case "maxqueue":
      return maxQueue(server.jobs, words)
    case "version":
      return `OK ${server.options.version}\n`
    case "verbose":
      return `OK ${server.options.verbose}\n`
    case "getpid":
      return `OK ${server.options.processId}\n`
    case "shutdown":
      return server.options.allowShutdown ? shutdown(server, words) : unknownCommand(command)
    default:
      return unknownCommand(command)
  }
}

const functionsOf = ({ jobs }: Administered) => listed(jobs.functions.values(), (fn) => fn.name)

const statusRow = (fn: ServerFunction): Admin.StatusRow => ({
  function: fn.key,
  total: fn.jobCount,
  running: fn.runningCount,
  workers: fn.abilities.size
})

const priorityStatusRow = (fn: ServerFunction): Admin.PriorityStatusRow => ({
  function: fn.key,
  high: fn.queues[0].size + fn.scheduled[0],
  normal: fn.queues[1].size + fn.scheduled[1],
  low: fn.queues[2].size + fn.scheduled[2],
  workers: fn.abilities.size
})

const workerRow = (session: Session): Admin.WorkerRow => ({
  connection: session.number,
  host: session.peer.peerHost,
  clientId: Codec.latin1(session.clientId),
  functions: Array.from(session.abilities.values())
    .sort((one, other) => one.turn - other.turn)
    .map((ability) => ability.function.key)
})

const show = (jobs: Jobs, words: ReadonlyArray<string>): string => {
  if (words.length < 2) return unknownCommand(words[0]!)
  const what = words.slice(1).join(" ").toLowerCase()
  if (what === "jobs")
    return Admin.formatJobs(listed(jobs.byNumber.values(), (job) => Codec.fromLatin1(job.handle)).map(jobRow))
  if (what !== "unique jobs") return "ERR UNKNOWN_SHOW_ARGUMENTS\r\n"
  return Admin.formatUniques(
    listed(jobs.byNumber.values(), (job) => Codec.fromLatin1(job.unique)).map((job) => job.unique)
  )
}

const jobRow = (job: Job): Admin.JobRow => ({
  handle: job.handle,
  retries: job.retries,
  isIgnored: job.isCancelled || job.isAbandoned,
  isBackground: job.isBackground
})

const cancel = (jobs: Jobs, words: ReadonlyArray<string>): string => {
  if (words.length < 3) return unknownCommand(words[0]!)
  if (words.length > 3 || words[1]!.toLowerCase() !== "job") return "ERR UNKNOWN_ERROR\r\n"
  const handle = Codec.fromLatin1(words[2]!)
  const job = jobs.byNumber.get(jobs.handles.numberOf(handle, 0, handle.length))
  if (job === undefined || job.isCancelled) return "ERR UNKNOWN_JOB\r\n"
  jobs.cancel(job)
  return ok
}

const create = ({ jobs, options }: Administered, words: ReadonlyArray<string>): string => {
  if (words.length !== 3 || words[1]!.toLowerCase() !== "function") return tooFewArguments(words[0]!)
  if (words[2]!.length > options.maxFunctionBytes) {
    return `ERR a function name may have at most ${options.maxFunctionBytes} bytes\r\n`
  }
  jobs.functions.obtain(words[2]!)
  return ok
}

const drop = (jobs: Jobs, words: ReadonlyArray<string>): string => {
  if (words.length !== 3 || words[1]!.toLowerCase() !== "function") return tooFewArguments(words[0]!)
  const wanted = words[2]!.toLowerCase()
  const found = Array.from(jobs.functions.values()).filter((fn) => fn.key.toLowerCase() === wanted)
  if (found.length === 0) return "ERR function not found\r\n"
  // gearmand lets a function go from under its queued jobs. Here they count as in use.
  if (found.some((fn) => !fn.isIdle)) return "ERR there are still connected workers or executing clients\r\n"
  for (const fn of found) jobs.functions.drop(fn)
  return ok
}

const maxQueue = (jobs: Jobs, words: ReadonlyArray<string>): string => {
  if (words.length < 2) return tooFewArguments(words[0]!)
  const [high = 0, normal, low] = words.slice(2).map(limitOf)
  const fn = jobs.functions.find(words[1]!)
  // One number is for all three; of two, the third is no limit.
  if (fn !== undefined) fn.maxQueue = normal === undefined ? [high, high, high] : [high, normal, low ?? 0]
  return ok
}

const limitOf = (word: string): number => {
  const limit = Number.parseInt(word, 10)
  return limit > 0 ? limit : 0
}

const shutdown = (server: Administered, words: ReadonlyArray<string>): string => {
  const how = words[1]?.toLowerCase()
  if (how !== undefined && how !== "graceful") return "ERR unknown_args Unknown+arguments+to+server+command\r\n"
  server.requestShutdown(how === "graceful" ? "graceful" : "now")
  return "OK\n"
}
