/**
 * The job server's log: gearmand's line format and levels, written to a file that can
 * be reopened, to stderr, to the system's log, or nowhere. Writing never blocks on a
 * pipe that nobody reads and never fails: a full disk costs lines, not jobs.
 */
import * as Cause from "effect/Cause"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import { type Level, levels, type LogFormat } from "./LogLevel.ts"

/** Where lines go. */
export interface Log {
  readonly write: (level: Level, message: string) => void
  /** Opens the file again, as after a rotation. */
  readonly reopen: () => void
  readonly close: () => void
}

const tags: Record<Level, number> = Object.fromEntries(levels.map((level, index) => [level, index])) as Record<
  Level,
  number
>

const digits = (value: number, width = 2) => String(value).padStart(width, "0")

/** ` NOTICE 2024-02-03 04:05:06.000700 [  main ] message`, in local time. */
const asGearmand = (level: Level, message: string): string => {
  const now = new Date()
  const day = `${now.getFullYear()}-${digits(now.getMonth() + 1)}-${digits(now.getDate())}`
  const time = `${digits(now.getHours())}:${digits(now.getMinutes())}:${digits(now.getSeconds())}`
  return `${level.padStart(7)} ${day} ${time}.${digits(now.getMilliseconds(), 3)}000 [  main ] ${message.replaceAll("\n", " | ")}\n`
}

const formats: Record<LogFormat, (level: Level, message: string) => string> = {
  gearmand: asGearmand,
  json: (level, message) => `${JSON.stringify({ time: new Date().toISOString(), level, message })}\n`,
  logfmt: (level, message) => `time=${new Date().toISOString()} level=${level} message=${JSON.stringify(message)}\n`
}

/** Lines that a slow stderr may keep waiting; the rest is dropped, and counted. */
const maxWaitingBytes = 65_536

const toStderr = () => {
  let dropped = 0
  // A closed stderr is no reason to stop serving.
  process.stderr.on("error", () => {})
  return (line: string) => {
    if (process.stderr.writableLength > maxWaitingBytes) {
      dropped++
      return
    }
    if (dropped > 0) process.stderr.write(`${dropped} lines were dropped\n`)
    dropped = 0
    process.stderr.write(line)
  }
}

const openFile = (path: string): number | undefined => {
  try {
    return Fs.openSync(path, "a", 0o644)
  } catch {
    return undefined
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
  const format = formats[options.format]
  const most = tags[options.level]
  const sinks: Array<(line: string) => void> = []
  let descriptor: number | undefined
  let logger: ChildProcess.ChildProcess | undefined
  const isFile = options.target !== "stderr" && options.target !== "none"
  if (options.target === "stderr") sinks.push(toStderr())
  if (isFile) {
    descriptor = openFile(options.target)
    if (descriptor === undefined && options.isTargetChosen) {
      const stderr = toStderr()
      stderr(format("ERROR", `cannot open the log file ${options.target}; logging to stderr`))
      sinks.push(stderr)
    }
    sinks.push((line) => {
      if (descriptor === undefined) return
      try {
        Fs.writeSync(descriptor, line)
      } catch {
        // A full disk may have room again for the next line.
      }
    })
  }
  if (options.syslog) {
    logger = ChildProcess.spawn("logger", ["-t", "gearmand"], { stdio: ["pipe", "ignore", "ignore"] })
    logger.on("error", () => {})
    logger.stdin?.on("error", () => {})
    const input = logger.stdin
    sinks.push((line) => {
      if (input !== null && input.writable && input.writableLength < maxWaitingBytes) input.write(line)
    })
    logger.unref()
  }
  return {
    write: (level, message) => {
      if (tags[level] > most) return
      const line = format(level, message)
      for (const sink of sinks) sink(line)
    },
    reopen: () => {
      if (!isFile) return
      const next = openFile(options.target)
      if (next === undefined) return
      if (descriptor !== undefined) Fs.closeSync(descriptor)
      descriptor = next
    },
    close: () => {
      if (descriptor !== undefined) Fs.closeSync(descriptor)
      descriptor = undefined
      logger?.stdin?.end()
    }
  }
}

const effectLevel: Record<LogLevel.LogLevel, Level> = {
  All: "DEBUG",
  Trace: "DEBUG",
  Debug: "DEBUG",
  Info: "INFO",
  Warn: "WARNING",
  Error: "ERROR",
  Fatal: "FATAL",
  None: "DEBUG"
}

/** Effect's logger on top of the log. */
export const logger = (log: Log): Logger.Logger<unknown, void> =>
  Logger.make(({ cause, logLevel, message }) => {
    const text = (Array.isArray(message) ? message : [message]).map(String).join(" ")
    log.write(effectLevel[logLevel], cause.reasons.length === 0 ? text : `${text} ${Cause.pretty(cause)}`)
  })
