/**
 * The levels and the formats of the job server's log.
 */

/** gearmand's levels, the most severe first. */
export const levels = ["FATAL", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"] as const

/** The formats of the log. */
export const logFormats = ["gearmand", "pretty", "json", "logfmt"] as const

/** A format of the log. */
export type LogFormat = (typeof logFormats)[number]

/** A gearmand log level. */
export type Level = (typeof levels)[number]
