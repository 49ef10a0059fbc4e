/**
 * Every flag of the job server, in one table: gearmand's own by their names, and ours.
 * Parsing, help, completions, the configuration file and the manual derive from it.
 */
import type { Flag } from "./flags/Flag.ts"
import { gearmandFlags, queueFlags } from "./flags/gearmand.ts"
import { ourFlags } from "./flags/ours.ts"

export type { Flag } from "./flags/Flag.ts"

/** All flags, gearmand's first. */
export const flags: ReadonlyArray<Flag> = [...gearmandFlags, ...queueFlags, ...ourFlags]

const byName = new Map(flags.map((flag) => [flag.name, flag]))
const byShort = new Map(flags.flatMap((flag) => (flag.short === undefined ? [] : [[flag.short, flag] as const])))

/** Finds a flag by its long name. */
export const find = (name: string): Flag | undefined => byName.get(name)

/** Finds a flag by its letter. */
export const findShort = (letter: string): Flag | undefined => byShort.get(letter)

/** What stands behind a flag's name in the help, or nothing for a switch. */
export const placeholder = (flag: Flag): string | undefined => {
  switch (flag.kind._tag) {
    case "Switch":
      return undefined
    case "Choice":
      return flag.name === "verbose" ? "LEVEL" : flag.kind.choices.join("|")
    case "Seconds":
      return "SECONDS"
    default:
      return flag.kind.placeholder
  }
}

/** What it is when nothing gives it, for people. */
export const shownDefault = (flag: Flag): string | undefined => flag.byDefault ?? flag.followsOther

/** The help text, one flag after the other. */
export const help = (command: string): string => {
  const line = (flag: Flag) => {
    const value = placeholder(flag)
    const names = `${flag.short === undefined ? "    " : `-${flag.short}, `}--${flag.name}${value === undefined ? "" : ` ${value}`}`
    const notes = [
      flag.description,
      ...(shownDefault(flag) === undefined ? [] : [`[${shownDefault(flag)}]`]),
      ...(flag.treatment._tag === "Used" ? [] : [`(${flag.treatment._tag.toLowerCase()}: ${flag.treatment.why})`])
    ]
    return `  ${names.padEnd(38)} ${notes.join(" ")}`
  }
  return [
    `Usage: ${command} [options]`,
    "",
    "The Gearman job server. Every option may also be a word of the configuration file.",
    "",
    "Options that gearmand has too:",
    ...gearmandFlags.map(line),
    "",
    "Options of our own:",
    ...ourFlags.map(line),
    "",
    `Accepted without effect: ${queueFlags.map((flag) => `--${flag.name}`).join(" ")}`,
    ""
  ].join("\n")
}
