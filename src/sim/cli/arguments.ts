/**
 * What people ask of `npm run sim`. Options that would have no effect are refused: whoever
 * gave them expects one.
 *
 * @since 0.1.0
 */
import { parseArgs } from "node:util"

const readOptions = (args: ReadonlyArray<string>) =>
  parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      seconds: { type: "string" },
      replay: { type: "string" },
      mutant: { type: "string" },
      mutants: { type: "boolean" },
      canaries: { type: "boolean" },
      figures: { type: "boolean" },
      day: { type: "boolean" },
      size: { type: "boolean" },
      hours: { type: "string" },
      pairs: { type: "string" },
      node: { type: "string" },
      from: { type: "string" },
      once: { type: "boolean" },
      trace: { type: "boolean" },
      save: { type: "string" },
      limit: { type: "string" },
      write: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean" }
    }
  }).values

type Options = ReturnType<typeof readOptions>

/** What can be run, and the options that change how. */
const modes = {
  seed: ["once", "trace", "save"],
  seeds: ["from", "once", "seconds", "save"],
  seconds: ["from", "once", "write", "save"],
  replay: ["trace"],
  mutant: ["from", "seed", "seeds", "seconds", "limit", "save", "replay"],
  mutants: ["from", "seeds", "seconds", "limit", "write"],
  canaries: ["limit"],
  figures: ["from", "limit", "write"],
  day: ["hours", "write"],
  size: ["write"],
  pairs: ["from", "seconds", "node", "write"]
} as const satisfies { readonly [mode in keyof Options]?: ReadonlyArray<keyof Options> }

type Mode = keyof typeof modes

const isMode = (name: string): name is Mode => Object.hasOwn(modes, name)

const always = new Set<string>(["json", "help"])

const numbers = ["seed", "seeds", "seconds", "from", "limit", "pairs", "hours"] as const

/** Nothing that was run is nothing that holds. */
const counts = new Set<string>(["seeds", "seconds", "limit", "pairs", "hours"])

const wholeNumber = (text: string): number | undefined => {
  const value = Number(text)
  return text.trim() !== "" && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/**
 * What was asked for, with numbers as numbers.
 *
 * @since 0.1.0
 * @category models
 */
export type Arguments = Omit<Options, (typeof numbers)[number]> & {
  readonly [name in (typeof numbers)[number]]?: number | undefined
} & { readonly mode: Mode | undefined }

const listOf = (names: ReadonlyArray<string>, last: "and" | "or"): string => {
  const options = names.map((name) => `--${name}`)
  return options.length < 2 ? options.join() : `${options.slice(0, -1).join(", ")} ${last} ${options.at(-1)!}`
}

/**
 * What was asked for, or what is wrong with it. No mode: nothing was said.
 *
 * @since 0.1.0
 * @category constructors
 */
export const readArguments = (args: ReadonlyArray<string>): Arguments | Error => {
  let options: Options
  try {
    options = readOptions(args)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
  const read: { [name in (typeof numbers)[number]]?: number } = {}
  for (const name of numbers) {
    const text = options[name]
    if (text === undefined) continue
    const number = wholeNumber(text)
    if (number === undefined) return new Error(`--${name} takes a whole number, not "${text}"`)
    if (number === 0 && counts.has(name)) return new Error(`--${name} takes a number from 1 on`)
    read[name] = number
  }
  const given = Object.keys(options)
  const { from, hours, limit, pairs, seconds, seed, seeds } = read
  const rest = { ...options, from, hours, limit, pairs, seconds, seed, seeds }
  const asked = given.filter(isMode)
  // Some of what can be run is also an option of something else.
  const [mode, other] = asked.filter(
    (one) => !asked.some((whole) => whole !== one && (modes[whole] as ReadonlyArray<string>).includes(one))
  )
  if (mode === undefined) {
    const alone = given.find((name) => !always.has(name))
    if (alone === undefined) return { ...rest, mode }
    const wholes = Object.keys(modes).filter((name) => (modes[name as Mode] as ReadonlyArray<string>).includes(alone))
    return new Error(`--${alone} runs nothing by itself: it goes with ${listOf(wholes, "or")}`)
  }
  if (other !== undefined) return new Error(`${listOf([mode, other], "and")} are two things to run; say one`)
  const idle = given.find(
    (name) => name !== mode && !always.has(name) && !(modes[mode] as ReadonlyArray<string>).includes(name)
  )
  if (idle !== undefined) return new Error(`--${idle} changes nothing about --${mode}`)
  return { ...rest, mode }
}
