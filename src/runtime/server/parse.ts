/**
 * Command line, environment and configuration file of the job server, by gearmand's
 * exact rules: long flags as `--flag=value` or `--flag value`, never abbreviated;
 * letters as `-p4730`, `-p 4730`, switches together as in `-dR`; nothing twice and no
 * positional arguments. (Effect's own parser serves the other commands; its rules differ
 * in just these points, which scripts depend on.)
 */
import * as Fs from "node:fs"
import * as Flags from "./Flags.ts"
import * as TelemetryVariables from "./TelemetryVariables.ts"

/** Where a value came from. */
export type Source = "flag" | "environment" | "file" | "default"

/** A value as it was typed, and where. */
export interface Given {
  readonly value: string
  readonly source: Exclude<Source, "default">
  /** The variable, or the file. */
  readonly where?: string
}

/** The values that were given, by flag name, and what the user should know. */
export interface Parsed {
  readonly given: ReadonlyMap<string, Given>
  readonly warnings: ReadonlyArray<string>
  /** OpenTelemetry's variables name a collector for single signals. */
  readonly hasSignalEndpoint: boolean
}

/** Why the options make no sense: one line each. */
export interface Refusal {
  readonly errors: ReadonlyArray<string>
  /** What is left without the mistakes, in which there may be others. */
  readonly rest?: Parsed
}

/** Tells the two results apart. */
export const isRefusal = (result: object): result is Refusal => "errors" in result

interface Word {
  readonly flag: Flags.Flag
  readonly value: string
}

const isKnownFlag = (word: string): boolean =>
  word.startsWith("--")
    ? Flags.find(word.slice(2).split("=", 1)[0]!) !== undefined
    : word.length === 2 && word[0] === "-" && Flags.findShort(word[1]!) !== undefined

const readWords = (words: ReadonlyArray<string>, errors: Array<string>): Array<Word> => {
  const found: Array<Word> = []
  let at = 0
  /** The next word as a value, unless it is a flag itself. */
  const next = (shown: string): string | undefined => {
    const word = words[at]
    if (word === undefined || isKnownFlag(word)) {
      errors.push(`${shown} needs a value`)
      return undefined
    }
    at++
    return word
  }
  while (at < words.length) {
    const word = words[at++]!
    if (word.startsWith("--") && word.length > 2) {
      const equals = word.indexOf("=")
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals)
      const flag = Flags.find(name)
      if (flag === undefined) {
        errors.push(`unknown option --${name}${suggestion(name)}`)
      } else if (flag.kind._tag === "Switch") {
        if (equals >= 0) errors.push(`--${name} takes no value`)
        else found.push({ flag, value: "true" })
      } else {
        const value = equals < 0 ? next(`--${name}`) : word.slice(equals + 1)
        if (value === "" && equals >= 0) errors.push(`--${name} needs a value`)
        else if (value !== undefined) found.push({ flag, value })
      }
    } else if (word.startsWith("-") && word.length > 1 && word !== "--") {
      for (let letter = 1; letter < word.length; letter++) {
        const flag = Flags.findShort(word[letter]!)
        if (flag === undefined) {
          errors.push(`unknown option -${word[letter]}${word[letter] === "v" ? "; verbosity is --verbose=LEVEL" : ""}`)
          break
        }
        if (flag.kind._tag === "Switch") {
          found.push({ flag, value: "true" })
          continue
        }
        const rest = word.slice(letter + 1)
        const value = rest === "" ? next(`-${flag.short}`) : rest
        if (value !== undefined) found.push({ flag, value })
        break
      }
    } else {
      errors.push(`unexpected argument "${word}"; options begin with --`)
    }
  }
  return found
}

/** The known flag that differs least, when it differs little. */
const suggestion = (name: string): string => {
  const near = Flags.flags.find(
    (flag) =>
      flag.name.startsWith(name) || (name.length > 3 && flag.name.includes(name)) || differByOne(flag.name, name)
  )
  return near === undefined ? "" : `; did you mean --${near.name}?`
}

const differByOne = (left: string, right: string): boolean => {
  if (Math.abs(left.length - right.length) > 1) return false
  let start = 0
  while (start < left.length && left[start] === right[start]) start++
  const afterReplaced = left.slice(start + 1) === right.slice(start + 1)
  const afterAdded = left.slice(start) === right.slice(start + 1)
  const afterMissing = left.slice(start + 1) === right.slice(start)
  return afterReplaced || afterAdded || afterMissing
}

/** What is wrong with a value, in one line, or nothing. */
const mistake = (flag: Flags.Flag, value: string): string | undefined => {
  const { kind } = flag
  switch (kind._tag) {
    case "Switch":
      return value === "true" || value === "false"
        ? undefined
        : `--${flag.name} is a switch; its value is true or false`
    case "Text":
      return value === "" ? `--${flag.name} needs a value` : undefined
    case "Whole": {
      const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN
      return number >= kind.min && number <= kind.max
        ? undefined
        : `--${flag.name} must be a whole number from ${kind.min} to ${kind.max}, not "${value}"`
    }
    case "Choice":
      return kind.choices.includes(value)
        ? undefined
        : `--${flag.name} must be one of ${kind.choices.join(", ")}, not "${value}"`
    case "Seconds": {
      const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN
      return number >= 0 && number <= kind.max
        ? undefined
        : `--${flag.name} must be a number of seconds from 0 to ${kind.max}, not "${value}"`
    }
  }
}

/**
 * The words of a configuration file. As in gearmand, only words that begin with `--`, and
 * those that are the value of the one before, count; unlike there, `#` makes the rest of a
 * line a comment.
 */
const fileWords = (content: string): { readonly taken: Array<string>; readonly ignored: Array<string> } => {
  const words = content
    .split("\n")
    .flatMap((line) => line.replace(/(^|\s)#.*$/, "").split(/\s+/))
    .filter((word) => word !== "")
  const isTaken = (word: string, at: number) => word.startsWith("--") || wantsValue(words[at - 1])
  return { taken: words.filter(isTaken), ignored: words.filter((word, at) => !isTaken(word, at)) }
}

/** A word that is no flag may be the rest of one that holds a password. */
const withoutValue = (word: string): string => word.replace(/=.*$/s, "=…")

const wantsValue = (word: string | undefined): boolean => {
  const flag = word?.startsWith("--") === true ? Flags.find(word.slice(2)) : undefined
  return flag !== undefined && flag.kind._tag !== "Switch"
}

/** Flags that ask for something to be done and are no settings. */
const actions = new Set(["help", "version", "check-args"])

const variablePrefix = "EFFECT_GEARMAN_"

/** Set in the process that `--daemon` starts. */
export const backgroundVariable = "EFFECT_GEARMAN_BACKGROUND"

/** The variable that sets a flag: `EFFECT_GEARMAN_JOB_RETRIES` for `--job-retries`. */
export const variableOf = (name: string): string => variablePrefix + name.toUpperCase().replaceAll("-", "_")

/**
 * Reads all options: flags, then the environment, then the file. `--help` and `--version` win over every mistake.
 */
export const parse = (
  commandLine: ReadonlyArray<string>,
  environment: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string = (path) => Fs.readFileSync(path, "utf8")
): Parsed | Refusal => {
  const errors: Array<string> = []
  const warnings: Array<string> = []
  const given = new Map<string, Given>()

  const take = (words: ReadonlyArray<Word>, source: Given["source"], where: string) => {
    const here = new Set<string>()
    const before = where === "" ? "" : `${where}: `
    for (const { flag, value } of words) {
      const isAgain = here.has(flag.name)
      if (isAgain && flag.isRepeatable !== true) errors.push(`${before}--${flag.name} is given twice`)
      here.add(flag.name)
      const wrong = mistake(flag, value)
      const known = given.get(flag.name)
      if (wrong !== undefined) errors.push(before + wrong)
      else if (isAgain && flag.isRepeatable === true && known?.source === source)
        given.set(flag.name, { ...known, value: `${known.value} ${value}` })
      else if (!given.has(flag.name)) given.set(flag.name, { value, source, ...(where === "" ? {} : { where }) })
    }
  }

  take(readWords(commandLine, errors), "flag", "")
  if (given.has("help") || given.has("version")) return { given, warnings, hasSignalEndpoint: false }

  for (const flag of Flags.flags) {
    const variable = variableOf(flag.name)
    const value = environment[variable]
    if (value === undefined || value === "" || actions.has(flag.name)) continue
    const wrong = mistake(flag, value)
    if (wrong !== undefined) errors.push(`${variable}: ${wrong}`)
    else if (!given.has(flag.name)) given.set(flag.name, { value, source: "environment", where: variable })
  }
  for (const variable of Object.keys(environment)) {
    if (!variable.startsWith(variablePrefix) || variable === backgroundVariable) continue
    const name = variable.slice(variablePrefix.length).toLowerCase().replaceAll("_", "-")
    if (Flags.find(name) === undefined) warnings.push(`${variable} sets nothing${suggestion(name)}`)
  }

  const setByVariable = (name: string, variable: string, isStronger: boolean) => {
    const value = environment[variable]
    if (value === undefined || value === "" || (given.has(name) && !isStronger)) return
    const wrong = mistake(Flags.find(name)!, value)
    if (wrong !== undefined) errors.push(`${variable}: ${wrong}`)
    else given.set(name, { value, source: "environment", where: variable })
  }
  setByVariable("port", "GEARMAND_PORT", false)
  setByVariable("otlp-endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", false)

  const file = given.get("config-file")?.value
  const path = file ?? Flags.find("config-file")!.byDefault!
  try {
    const content = readFile(path)
    const fileErrors: Array<string> = []
    const { ignored, taken } = fileWords(content)
    const words = readWords(taken, fileErrors)
    if (ignored.length > 0)
      warnings.push(`${path}: ignored, as it does not begin with --: ${ignored.map(withoutValue).join(" ")}`)
    errors.push(...fileErrors.map((error) => `${path}: ${error}`))
    take(words, "file", path)
  } catch (cause) {
    // The default file need not exist; one that was asked for must.
    if (file !== undefined) errors.push(`cannot read the configuration file ${path}: ${(cause as Error).message}`)
  }

  // As in gearmand: these replace even the flags, and have no effect without --ssl.
  if (given.get("ssl")?.value === "true") {
    setByVariable("ssl-ca-file", "GEARMAND_CA_CERTIFICATE", true)
    setByVariable("ssl-certificate", "GEARMAND_SERVER_PEM", true)
    setByVariable("ssl-key", "GEARMAND_SERVER_KEY", true)
  }

  const hasSignalEndpoint = TelemetryVariables.hasSignalEndpoint(environment)
  if (hasSignalEndpoint || given.has("otlp-endpoint")) errors.push(...TelemetryVariables.wrongWith(environment))

  for (const name of given.keys()) {
    const { treatment } = Flags.find(name)!
    if (treatment._tag === "Refused") errors.push(`--${name} is not supported: ${treatment.why}`)
    if (treatment._tag === "Ignored") warnings.push(`--${name} has no effect: ${treatment.why}`)
  }
  const parsed = { given, warnings, hasSignalEndpoint }
  return errors.length > 0 ? { errors, rest: parsed } : parsed
}
