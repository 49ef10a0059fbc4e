/**
 * The named deviations: where our server answers otherwise than gearmand 1.1.20, and
 * how the differential test makes allowance for it. Most are commands it leaves out in
 * a state where the two are known to part; each of these has a test of its own among
 * the transcripts. The others make two answers comparable.
 */
import { priorityOf, type Model } from "./Model.ts"
import type { Command } from "./Sequence.ts"

export interface Deviation {
  readonly name: string
  readonly applies: (connection: number, command: Command, model: Model) => boolean
}

const touchedFunctions = (connection: number, command: Command, model: Model): ReadonlyArray<number> => {
  const job = model.jobOf(connection, command)
  return [
    ...("function" in command && command.function !== undefined ? [command.function] : []),
    ...(job === undefined ? [] : [model.jobs[job]!.function])
  ]
}

const asksForJobs = (command: Command): boolean => command._tag === "grab" || command._tag === "preSleep"

const closes = (command: Command): boolean => command._tag === "close" || command._tag === "fatal"

const queued = (model: Model, functionIndex: number) =>
  model.jobs.filter((job) => job.state === "queued" && job.function === functionIndex)

/** Commands that are left out where the servers part on purpose. */
export const leftOut: ReadonlyArray<Deviation> = [
  {
    // Left behind by an abandoned queued job, a cancelled job, or a background job
    // whose last foreground listener left: gearmand keeps a dead job in its queue.
    name: "dead jobs leave the queue at once",
    applies: (connection, command, model) => {
      if (model.parted.size === 0) return false
      if (touchedFunctions(connection, command, model).some((index) => model.parted.has(index))) return true
      const affected =
        [...model.connections[connection]!.functions].some((index) => model.parted.has(index)) ||
        model.running(connection).some((index) => model.parted.has(model.jobs[index]!.function))
      if (affected && (asksForJobs(command) || closes(command) || command._tag === "resetAbilities")) return true
      return command._tag === "getStatusUnique" || (command._tag === "text" && command.line === "show unique jobs")
    }
  },
  {
    name: "an abandoned job is not requeued when its worker is lost",
    applies: (connection, command, model) =>
      closes(command) &&
      model.running(connection).some((index) => {
        const job = model.jobs[index]!
        return job.abandoned || (job.listeners.length > 0 && job.listeners.every((listener) => listener === connection))
      })
  },
  {
    // gearmand never wakes it again until it grabs.
    name: "a worker that sleeps again without having grabbed is woken again",
    applies: (connection, command, model) => command._tag === "preSleep" && model.connections[connection]!.woken
  },
  {
    name: "announcing a function twice is announcing it once",
    applies: (connection, command, model) =>
      command._tag === "canDo" && model.connections[connection]!.functions.has(command.function)
  },
  {
    name: "CANT_DO and RESET_ABILITIES leave running jobs alone",
    applies: (connection, command, model) =>
      (command._tag === "resetAbilities" && model.running(connection).length > 0) ||
      (command._tag === "cantDo" &&
        model.running(connection).some((index) => model.jobs[index]!.function === command.function))
  },
  {
    name: "priority counts across functions, and functions rotate",
    applies: (connection, command, model) =>
      command._tag === "grab" &&
      [...model.connections[connection]!.functions].filter((index) => queued(model, index).some((job) => !job.waiting))
        .length > 1
  },
  {
    name: "a submission that joins a queued job raises its priority",
    applies: (_, command, model) => {
      const job = command._tag === "submit" ? model.joined(command) : undefined
      return job?.state === "queued" && command._tag === "submit" && priorityOf(command.type) < job.priority
    }
  },
  {
    name: "announcing a function wakes a sleeper for the jobs that wait for it",
    applies: (connection, command, model) =>
      command._tag === "canDo" &&
      model.connections[connection]!.sleeping &&
      queued(model, command.function).some((job) => !job.waiting)
  },
  {
    name: "WORK_FAIL after WORK_EXCEPTION is swallowed",
    applies: (connection, command, model) => {
      const job = command._tag === "work" && command.type === 14 ? model.jobOf(connection, command) : undefined
      return job !== undefined && model.jobs[job]!.failedBy === connection
    }
  },
  {
    name: "the unique of a reduce job is measured, not its reducer",
    applies: (_, command) =>
      command._tag === "submit" && (command.type === 37 || command.type === 38) && command.unique.length > 64
  },
  {
    name: "a job that is not due hides no other and wakes nobody",
    applies: (connection, command, model) => {
      if (command._tag === "submit" && command.type === 36 && command.between[0]!.length > 5) {
        return model.connections.some((worker) => worker.sleeping && worker.functions.has(command.function))
      }
      return (
        asksForJobs(command) &&
        [...model.connections[connection]!.functions].some((index) => {
          const jobs = queued(model, index)
          return jobs.some((job) => job.waiting) && jobs.some((job) => job.priority === 2)
        })
      )
    }
  },
  {
    // Of several functions' jobs with one unique, gearmand finds the one in the bucket it looks at first.
    name: "GET_STATUS_UNIQUE finds one of several jobs",
    applies: (_, command, model) =>
      command._tag === "getStatusUnique" &&
      (command.unique.length > 63 || model.live().filter((job) => job.unique === command.unique).length > 1)
  },
  {
    name: "a function with jobs is not dropped",
    applies: (_, command, model) =>
      command._tag === "text" &&
      command.line.startsWith("drop function") &&
      model.live().some((job) => job.function === command.function)
  }
]

/** An exception that nobody asked for becomes WORK_FAIL with the bare handle, without gearmand's NUL. */
export const bareHandleInWorkFail = (type: number, body: string): string =>
  type === 14 && body.endsWith("\0") ? body.slice(0, -1) : body

/** A connection that sleeps and submits reads JOB_CREATED first, and then the NOOP that its job caused. */
export const noopAfterJobCreated = (items: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...items.filter((item) => item !== "NOOP|"),
  ...items.filter((item) => item === "NOOP|")
]

/** Other sequences' rows are none of this one's, and rows come in no promised order. */
export const ownRows = (
  text: string,
  isOwn: (row: string) => boolean,
  comparable: (row: string) => string = (row) => row
): string => {
  if (!text.endsWith(".\n")) return text
  const rows = text
    .slice(0, -2)
    .split("\n")
    .filter((row) => row !== "" && isOwn(row))
  return [...rows.map(comparable).sort(), ".\n"].join("\n")
}

/** `workers` names functions newest first in gearmand 1.1, and shows a file descriptor. */
export const workersRow = (row: string): string => {
  const [, who, functions] = /^\d+ (\S+ \S* ?:)(.*)$/.exec(row) ?? ["", row, ""]
  return `fd ${who} ${functions!.trim().split(" ").sort().join(" ")}`
}

/** `show jobs`: dead jobs and background jobs that joined foreground ones are flagged otherwise. */
export const showJobsRow = (row: string): string => row.split("\t").slice(0, 2).join("\t")

/** Version and process id are each server's own. */
export const ownIdentity = (text: string): string => text.replace(/^OK [^\n]+\n/, "OK …\n")
