/**
 * The text commands, word by word as gearmand understands them and byte by byte as it
 * answers. (Gearman protocol, "Administrative Protocol")
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"
import type { Rights } from "./Access.ts"
import type { ShutdownKind } from "./JobServerCore.ts"
import type { Jobs } from "./Jobs.ts"
import * as Lists from "./Lists.ts"
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
  readonly requestShutdown: (kind: ShutdownKind) => void
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
 * The answer to a command line, whole or to be pulled line by line, or `undefined` when it
 * has more words than a command may have, which closes the connection.
 *
 * @since 0.1.0
 * @category operations
 */
export const answer = (
  administered: Administered,
  session: Session,
  line: string
): string | Lists.Lines | undefined => {
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
  const requestShutdown = (kind: ShutdownKind) => administered.requestShutdown(kind)
  const server: Seen = { jobs, options, sessions, requestShutdown, rights, deny }
  switch (command.toLowerCase()) {
    case "status":
      return Lists.status(server)
    case "prioritystatus":
      return Lists.priorityStatus(server)
    case "workers":
      return Lists.workers(server)
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
      if (!options.allowShutdown) {
        // Counted and logged; said is what gearmand says, which has no such command any more.
        jobs.refusals.add(session, "shutdown")
        return unknownCommand(command)
      }
      return rights.mayAll("administrate") ? shutdown(server, words) : deny("administrate")
    default:
      return unknownCommand(command)
  }
}

const show = (server: Seen, words: ReadonlyArray<string>): string | Lists.Lines => {
  if (words.length < 2) return unknownCommand(words[0]!)
  const what = words.slice(1).join(" ").toLowerCase()
  if (what === "jobs") return Lists.jobs(server)
  if (what === "functions") return Lists.functions(server)
  if (what !== "unique jobs") return "ERR UNKNOWN_SHOW_ARGUMENTS\r\n"
  return Lists.uniques(server)
}

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
