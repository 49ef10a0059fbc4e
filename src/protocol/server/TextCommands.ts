/**
 * The text commands, word by word as gearmand understands them and byte by byte as it
 * answers. (Gearman protocol, "Administrative Protocol")
 *
 * @since 0.1.0
 */
import * as Admin from "../Admin.ts"
import * as Codec from "../Codec.ts"
import type { Rights } from "./Access.ts"
import { functionRows } from "./FunctionRows.ts"
import type { ServerFunction } from "./Functions.ts"
import type { Job } from "./Job.ts"
import type { Jobs } from "./Jobs.ts"
import { listed } from "./ListOrder.ts"
import type { Options } from "./Options.ts"
import type { Reason } from "./Refusals.ts"
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

/** What a connection sees and may change of it. */
interface Seen extends Administered {
  readonly rights: Rights
  /** Counts and logs what it was refused. */
  readonly deny: (reason: Reason, key?: string) => string
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

const denials: { readonly [R in Reason]?: string } = {
  textProtocol: "The+text+protocol+is+closed+on+this+listener",
  cancel: "Cancelling+is+off;+the+server+is+to+be+started+with+--allow-cancel",
  administrate: "This+identity+may+not+administrate+that"
}

/**
 * The answer to a command line, or `undefined` when it has more words than a command may
 * have, which closes the connection. Lists show only what the connection may administrate.
 *
 * @since 0.1.0
 * @category operations
 */
export const answer = (administered: Administered, session: Session, line: string): string | undefined => {
  const words = wordsOf(line)
  const { jobs, options, sessions } = administered
  if (words.length > options.maxLineWords) return undefined
  const [command] = words as [string]
  const { rights } = session
  const deny = (reason: Reason, key?: string): string => {
    jobs.refusals.add(session, reason, key)
    return `ERR ACCESS_DENIED ${denials[reason]}\r\n`
  }
  if (!session.hasText) return deny("textProtocol")
  // Anybody may see whether the server answers.
  if (!rights.mayAny("administrate") && command.toLowerCase() !== "version") return deny("administrate")
  const requestShutdown = (kind: "now" | "graceful") => administered.requestShutdown(kind)
  const server: Seen = { jobs, options, sessions, requestShutdown, rights, deny }
  switch (command.toLowerCase()) {
    case "status":
      return Admin.formatStatus(functionsOf(server).map(statusRow))
    case "prioritystatus":
      return Admin.formatPriorityStatus(functionsOf(server).map(priorityStatusRow))
    case "workers":
      return Admin.formatWorkers(workersOf(server))
    case "show":
      return show(server, words)
    case "cancel":
      return cancel(server, words)
    case "create":
      return create(server, words)
    case "drop":
      return drop(server, words)
    case "maxqueue":
      return maxQueue(server, words)
    case "version":
      return `OK ${server.options.version}\n`
    case "verbose":
      return `OK ${server.options.verbose}\n`
    case "getpid":
      return `OK ${server.options.processId}\n`
    case "shutdown":
      if (!options.allowShutdown) return unknownCommand(command)
      return rights.mayAll("administrate") ? shutdown(server, words) : deny("administrate")
    default:
      return unknownCommand(command)
  }
}

const functionsOf = ({ jobs, rights }: Seen) =>
  rights.mayAll("administrate")
    ? jobs.functions.listed()
    : jobs.functions.listed().filter((fn) => rights.may("administrate", fn.key))

const jobsOf = ({ jobs, rights }: Seen, nameOf: (job: Job) => string) =>
  listed(jobs.byNumber.values(), (job) => Codec.fromLatin1(nameOf(job))).filter((job) =>
    rights.may("administrate", job.function.key)
  )

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

/** Who may not see everything sees the workers of what it may see, and nobody else. */
const workersOf = ({ rights, sessions }: Seen): Array<Admin.WorkerRow> => {
  const rows = Array.from(sessions, workerRow).toReversed()
  if (rights.mayAll("administrate")) return rows
  return rows
    .map((row) => ({ ...row, functions: row.functions.filter((key) => rights.may("administrate", key)) }))
    .filter((row) => row.functions.length > 0)
}

const workerRow = (session: Session): Admin.WorkerRow => ({
  connection: session.number,
  host: session.peer.peerHost,
  clientId: Codec.latin1(session.clientId),
  functions: Array.from(session.abilities.values())
    .sort((one, other) => one.turn - other.turn)
    .map((ability) => ability.function.key)
})

const show = (server: Seen, words: ReadonlyArray<string>): string => {
  if (words.length < 2) return unknownCommand(words[0]!)
  const what = words.slice(1).join(" ").toLowerCase()
  if (what === "jobs") return Admin.formatJobs(jobsOf(server, (job) => job.handle).map(jobRow))
  if (what === "functions") return Admin.formatFunctions(functionRows(server.jobs, functionsOf(server), server.rights))
  if (what !== "unique jobs") return "ERR UNKNOWN_SHOW_ARGUMENTS\r\n"
  return Admin.formatUniques(jobsOf(server, (job) => job.unique).map((job) => job.unique))
}

const jobRow = (job: Job): Admin.JobRow => ({
  handle: job.handle,
  retries: job.retries,
  isIgnored: job.isCancelled || job.isAbandoned,
  isBackground: job.isBackground
})

const cancel = ({ deny, jobs, options, rights }: Seen, words: ReadonlyArray<string>): string => {
  if (words.length < 3) return unknownCommand(words[0]!)
  if (words.length > 3 || words[1]!.toLowerCase() !== "job") return "ERR UNKNOWN_ERROR\r\n"
  if (!options.allowCancel) return deny("cancel")
  const handle = Codec.fromLatin1(words[2]!)
  const job = jobs.byNumber.get(jobs.handles.numberOf(handle, 0, handle.length))
  if (job === undefined || job.isCancelled) return "ERR UNKNOWN_JOB\r\n"
  if (!rights.may("administrate", job.function.key)) return deny("administrate", job.function.key)
  jobs.cancel(job)
  return ok
}

const create = ({ deny, jobs, options, rights }: Seen, words: ReadonlyArray<string>): string => {
  if (words.length !== 3 || words[1]!.toLowerCase() !== "function") return tooFewArguments(words[0]!)
  if (!rights.may("administrate", words[2]!)) return deny("administrate", words[2])
  if (words[2]!.length > options.maxFunctionBytes) {
    jobs.refusals.add(undefined, "maxFunctionBytes")
    return `ERR a function name may have at most ${options.maxFunctionBytes} bytes\r\n`
  }
  if (jobs.functions.obtain(words[2]!) !== undefined) return ok
  jobs.refusals.add(undefined, "maxFunctions")
  return "ERR QUEUE_ERROR Too+many+functions\r\n"
}

const drop = ({ deny, jobs, rights }: Seen, words: ReadonlyArray<string>): string => {
  if (words.length !== 3 || words[1]!.toLowerCase() !== "function") return tooFewArguments(words[0]!)
  const wanted = words[2]!.toLowerCase()
  const found = Array.from(jobs.functions.values()).filter((fn) => fn.key.toLowerCase() === wanted)
  if (found.some((fn) => !rights.may("administrate", fn.key))) return deny("administrate", wanted)
  if (found.length === 0) return "ERR function not found\r\n"
  // gearmand lets a function go from under its queued jobs. Here they count as in use.
  if (found.some((fn) => !fn.isIdle)) return "ERR there are still connected workers or executing clients\r\n"
  for (const fn of found) jobs.functions.drop(fn)
  return ok
}

const maxQueue = ({ deny, jobs, rights }: Seen, words: ReadonlyArray<string>): string => {
  if (words.length < 2) return tooFewArguments(words[0]!)
  if (!rights.may("administrate", words[1]!)) return deny("administrate", words[1])
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

const shutdown = (server: Seen, words: ReadonlyArray<string>): string => {
  const how = words[1]?.toLowerCase()
  if (how !== undefined && how !== "graceful") return "ERR unknown_args Unknown+arguments+to+server+command\r\n"
  server.requestShutdown(how === "graceful" ? "graceful" : "now")
  return "OK\n"
}
