/**
 * The job server's log: gearmand's levels, written to a file that can be reopened, to
 * stderr, to the system's log, or nowhere. Writing never blocks on a pipe that nobody
 * reads and never fails: a full disk costs lines, not jobs.
 */
import * as Cause from "effect/Cause"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as ChildProcess from "node:child_process"
import * as LogFile from "./LogFile.ts"
import { type Fields, formatter } from "./LogFormat.ts"
import { type Level, levels, type LogFormat } from "./LogLevel.ts"

/** Told of each line that is logged. */
export type Listener = (level: Level, message: string, fields: Fields) => void

/** Where lines go. */
export interface Log {
  readonly write: (level: Level, message: string, fields?: Fields) => void
  /** Whether lines of the level are written at all. */
  readonly has: (level: Level) => boolean
  /** Opens the file again, as after a rotation; says whether that worked. */
  readonly reopen: () => boolean
  readonly close: () => void
  /** Lines that a full disk or a slow reader has cost. */
  readonly lost: () => number
  /** Sends the lines elsewhere too. */
  readonly listen: (listener: Listener) => void
}

const severities: Record<Level, number> = Object.fromEntries(levels.map((level, index) => [level, index])) as Record<
  Level,
  number
>

/** Lines that a slow stderr may keep waiting; the rest is dropped, and counted. */
const maxWaitingBytes = 65_536

interface Sink {
  readonly write: (line: string) => void
  readonly lost: () => number
}

const toStderr = (): Sink => {
  let dropped = 0
  let lost = 0
  // A closed stderr is no reason to stop serving.
  process.stderr.on("error", () => {})
  return {
    lost: () => lost,
    write: (line) => {
      if (process.stderr.writableLength > maxWaitingBytes) {
        dropped++
        lost++
        return
      }
      if (dropped > 0) process.stderr.write(`${dropped} lines were dropped\n`)
      dropped = 0
      process.stderr.write(line)
    }
  }
}

const toSyslog = (onProblem: (problem: string) => void): Sink & { readonly close: () => void } => {
  const logger = ChildProcess.spawn("logger", ["-t", "gearmand"], { stdio: ["pipe", "ignore", "ignore"] })
  const input = logger.stdin
  let lost = 0
  logger.on("error", (error) => onProblem(error.message))
  input.on("error", () => {})
  logger.unref()
  return {
    lost: () => lost,
    write: (line) => {
      if (input.writable && input.writableLength < maxWaitingBytes) input.write(line)
      else lost++
    },
    close: () => input.end()
  }
}

/**
 * Opens the log. A file that cannot be opened is replaced by stderr, with a line that
 * says so; where nobody chose the file, by nothing.
 */
export const open = (options: {
  readonly level: Level
  readonly format: LogFormat
  readonly target: string
  readonly isTargetChosen: boolean
  readonly syslog: boolean
}): Log => {
  const { target } = options
  const isColoured = target === "stderr" && process.stderr.isTTY === true && !process.env["NO_COLOR"]
  const format = formatter(options.format, isColoured)
  const most = severities[options.level]
  const sinks: Array<Sink> = []
  const listeners: Array<Listener> = []
  const tellStderr = (message: string) => toStderr().write(format("ERROR", message, {}, new Date()))
  const file =
    target === "stderr" || target === "none"
      ? undefined
      : LogFile.open(target, (problem) =>
          tellStderr(`lines are lost: cannot write to the log file ${target}: ${problem}`)
        )
  if (file !== undefined) sinks.push(file)
  if (target === "stderr") sinks.push(toStderr())
  const problem = file?.problem()
  if (problem !== undefined && options.isTargetChosen) {
    tellStderr(`cannot open the log file ${target}: ${problem}; logging to stderr`)
    sinks.push(toStderr())
  }
  const syslog = options.syslog
    ? toSyslog((problem) => tellStderr(`lines for syslog are lost: cannot start logger(1): ${problem}`))
    : undefined
  if (syslog !== undefined) sinks.push(syslog)

  const log: Log = {
    has: (level) => severities[level] <= most,
    write: (level, message, fields = {}) => {
      if (!log.has(level)) return
      const line = format(level, message, fields, new Date())
      for (const sink of sinks) sink.write(line)
      for (const listener of listeners) listener(level, message, fields)
    },
    reopen: () => {
      const problem = file?.reopen()
      if (problem !== undefined && options.isTargetChosen)
        log.write("ERROR", `cannot open the log file ${target} again: ${problem}; nothing has changed`)
      return problem === undefined
    },
    close: () => {
      file?.close()
      syslog?.close()
    },
    lost: () => sinks.reduce((sum, sink) => sum + sink.lost(), 0),
    listen: (listener) => void listeners.push(listener)
  }
  return log
}

const gearmandLevel: Record<LogLevel.LogLevel, Level> = {
  All: "DEBUG",
  Trace: "DEBUG",
  Debug: "DEBUG",
  Info: "INFO",
  Warn: "WARNING",
  Error: "ERROR",
  Fatal: "FATAL",
  None: "DEBUG"
}

/** Annotations as fields: what is no text or number is shown as JSON. */
const fieldsOf = (annotations: Readonly<Record<string, unknown>>): Fields =>
  Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [
      name,
      typeof value === "string" || typeof value === "number" ? value : JSON.stringify(value)
    ])
  )

/** Effect's logger on top of the log. */
export const logger = (log: Log): Logger.Logger<unknown, void> =>
  Logger.make(({ cause, fiber, logLevel, message }) => {
    const text = (Array.isArray(message) ? message : [message]).map(String).join(" ")
    log.write(
      gearmandLevel[logLevel],
      cause.reasons.length === 0 ? text : `${text} ${Cause.pretty(cause)}`,
      fieldsOf(fiber.getRef(References.CurrentLogAnnotations))
    )
  })
