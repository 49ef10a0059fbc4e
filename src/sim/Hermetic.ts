/**
 * Makes the globals that would bring the outside in (time, timers, chance, promises'
 * queueing) throw while a simulation runs. A simulated program that reaches for one of
 * them is caught at that line, instead of making runs differ.
 *
 * @since 0.1.0
 */
import { format } from "node:util"
import { Generator } from "./Choice.ts"

/**
 * A simulated program used something that no seed decides.
 *
 * @since 0.1.0
 * @category errors
 */
export class Leak extends Error {
  override readonly name = "Leak"

  constructor(what: string) {
    super(
      `${what} was used inside a simulation; take time from Clock, randomness from Random, and wait with Effects instead of promises`
    )
  }
}

/** The first leak of the present run; programs may swallow the error, the kernel does not. */
let leak: Leak | undefined

/**
 * Throws what has leaked into the present run: there is no sense in going on with it.
 *
 * @since 0.1.0
 * @category running
 */
export const throwLeak = (): void => {
  if (leak !== undefined) throw leak
}

/** Makes an error that knows where it was made, also while others do not. */
const withStack = <E extends Error>(make: () => E): E & { readonly stack: string } => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 10
  const error = make()
  Error.stackTraceLimit = stackTraceLimit
  return Object.assign(error, { stack: error.stack ?? "" })
}

const refuse = (what: string) => (): never => {
  leak ??= withStack(() => new Leak(what))
  throw leak
}

/** Numbers for `hashRandom`, begun anew with each run. */
let hashes: Generator

/**
 * Effect hashes an object without a hash of its own by `Math.random`, to find equal causes.
 * No order and no outcome comes of it, so it gets numbers that are the same in each run.
 */
const hashRandom = (): number => {
  const { stack } = withStack(() => new Error())
  return /[\\/]effect[\\/](?:dist|src)[\\/]Hash\./.test(stack) ? hashes.next() / 0x1_0000_0000 : refuse("Math.random")()
}

interface Patch {
  readonly target: object
  readonly key: string
  readonly replacement: unknown
}

const HostDate = Date

const HermeticDate = new Proxy(HostDate, {
  construct: (target, given: ReadonlyArray<unknown>) =>
    given.length === 0 ? refuse("new Date()")() : Reflect.construct(target, given),
  apply: refuse("Date()"),
  get: (target, key) => (key === "now" ? refuse("Date.now") : Reflect.get(target, key, target))
})

const functions: ReadonlyArray<readonly [target: object, name: string, keys: ReadonlyArray<string>]> = [
  [
    globalThis,
    "",
    [
      "setTimeout",
      "setInterval",
      "setImmediate",
      "queueMicrotask",
      "fetch",
      "clearTimeout",
      "clearInterval",
      "clearImmediate"
    ]
  ],
  [performance, "performance.", ["now"]],
  [process, "process.", ["nextTick", "uptime"]],
  [crypto, "crypto.", ["getRandomValues", "randomUUID"]],
  [AbortSignal, "AbortSignal.", ["timeout"]],
  [Promise.prototype, "Promise.prototype.", ["then", "finally"]]
]

/** What programs have written to the console in the present run: writing it takes what no seed decides. */
let written: Array<() => void> = []
let unwritten = 0

/** A program that writes in a loop would fill the memory. */
const writtenMax = 10_000

const target = console

const consolePatches = (["log", "info", "debug", "warn", "error", "trace", "dir", "table"] as const).map(
  (key): Patch => ({
    target,
    key,
    replacement: (...args: ReadonlyArray<unknown>) => {
      if (written.length >= writtenMax) return void unwritten++
      // As it is now; a table needs its data.
      const given = key === "dir" || key === "table" ? args : ["%s", format(...args)]
      written.push(() => void Reflect.apply(target[key], target, given))
    }
  })
)

const writeConsole = (): void => {
  const lines = written
  written = []
  for (const line of lines) line()
  if (unwritten > 0) target.log(`… ${unwritten} more lines were written to the console`)
  unwritten = 0
}

const patches: ReadonlyArray<Patch> = [
  ...consolePatches,
  ...functions.flatMap(([target, name, keys]) => keys.map((key) => ({ target, key, replacement: refuse(name + key) }))),
  { target: globalThis, key: "Date", replacement: HermeticDate },
  {
    target: process,
    key: "hrtime",
    replacement: Object.assign(refuse("process.hrtime"), { bigint: refuse("process.hrtime.bigint") })
  },
  { target: Math, key: "random", replacement: hashRandom }
]

/**
 * Runs a synchronous function with the leaks closed, and opens them again. A leak is
 * thrown even when the simulated program caught the error. What is written to the console
 * meanwhile appears afterwards.
 *
 * Programs under faults make many errors. Where those do not need to know where they were
 * made, leaving that out saves a seventh of the time.
 *
 * @since 0.1.0
 * @category running
 */
export const hermetically = <A>(run: () => A, options?: { readonly stacks?: boolean | undefined }): A => {
  leak = undefined
  hashes = new Generator(0)
  const before = patches.map(({ key, target }) => Object.getOwnPropertyDescriptor(target, key))
  for (const { key, replacement, target } of patches) {
    Object.defineProperty(target, key, { value: replacement, configurable: true, writable: true })
  }
  const { stackTraceLimit } = Error
  if (options?.stacks === false) Error.stackTraceLimit = 0
  try {
    const result = run()
    throwLeak()
    return result
  } catch (error) {
    // Whatever else went wrong may have come of it.
    throw leak ?? error
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    patches.forEach(({ key, target }, index) => {
      const descriptor = before[index]
      if (descriptor === undefined) Reflect.deleteProperty(target, key)
      else Object.defineProperty(target, key, descriptor)
    })
    writeConsole()
  }
}
