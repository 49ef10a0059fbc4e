/**
 * What is dull about a scenario. What is not said of a scenario has its dull value: so what
 * is kept of a failure is short, can be read, and outlives that scenarios learn new things.
 *
 * @since 0.1.0
 */
import { calm } from "../World.ts"
import type { Scenario } from "./Scenario.ts"

type Json = unknown

/** Fields that are dull when they are not there. */
const optional = new Set<string | number | undefined>([
  "prefetch",
  "maxUnsentBytes",
  "ownLimit",
  "limitMillis",
  "interruptOn",
  "interruptNth",
  "items",
  "window",
  "collects",
  "order",
  "jobsMax",
  "jobHandlePrefix",
  "maxJobs",
  "maxJobsPerFunction",
  "submits",
  "on",
  "nth"
])

/** Dull values. A list has the dull values of its elements, and an object those of its fields. */
const dull = {
  seed: 0,
  world: calm,
  servers: [{ jobRetries: -1, workerWakeup: 0 }],
  workers: [{ functions: [], slots: 1, changesAt: 0 }],
  clients: [
    {
      calls: [
        {
          at: 0,
          kind: "run",
          function: "merged",
          item: 0,
          takesMillis: 0,
          priority: "normal",
          hedgeMillis: 0,
          interruptAfterMillis: 0
        }
      ]
    }
  ],
  peers: [{ server: 1, sayings: [{ at: 0, fields: [] }], lastWords: "", isDeaf: false }],
  operators: [{ server: 1, lines: [{ at: 0 }] }],
  // A fault that lasts 0 lasts for ever, so that is always said.
  faults: [{ at: 0, node: "", peer: "", amount: 0 }],
  healsAt: 0
}

const isObject = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const dullElement = (list: Json): Json => (Array.isArray(list) ? list[0] : undefined)

const compactValue = (value: Json, plain: Json): Json => {
  if (Array.isArray(value)) return value.map((element) => compactValue(element, dullElement(plain)))
  if (!isObject(value)) return value
  const short: { [name: string]: Json } = {}
  for (const [name, field] of Object.entries(value)) {
    const plainField = isObject(plain) ? plain[name] : undefined
    // A list that is not there may mean another than an empty one.
    const isDull = Array.isArray(field) ? field.length === 0 && Array.isArray(plainField) : field === plainField
    if (field === undefined || isDull) continue
    const shortField = compactValue(field, plainField)
    if (isObject(shortField) && Object.keys(shortField).length === 0) continue
    short[name] = shortField
  }
  return short
}

const completeValue = (value: Json, plain: Json): Json => {
  if (Array.isArray(value)) return value.map((element) => completeValue(element, dullElement(plain)))
  if (!isObject(value)) return value
  const whole: { [name: string]: Json } = {}
  if (isObject(plain))
    for (const [name, field] of Object.entries(plain)) whole[name] = Array.isArray(field) ? [] : field
  for (const [name, field] of Object.entries(value)) {
    whole[name] = completeValue(field, isObject(plain) ? plain[name] : undefined)
  }
  return whole
}

/**
 * A scenario without what is dull about it.
 *
 * @since 0.1.0
 * @category models
 */
export type Compact = { readonly [name: string]: unknown }

/**
 * Leaves out all that is dull.
 *
 * @since 0.1.0
 * @category conversions
 */
export const compact = (scenario: Scenario): Compact => compactValue(scenario, dull) as Compact

/**
 * Puts back what `compact` has left out.
 *
 * @since 0.1.0
 * @category conversions
 */
export const complete = (short: Compact): Scenario => completeValue(short, dull) as unknown as Scenario

/**
 * The way to something in a scenario, by names and numbers.
 *
 * @since 0.1.0
 * @category models
 */
export type Path = ReadonlyArray<string | number>

/** Names, numbers and texts in a scenario, and what they would be if they were dull. */
const leaves = (value: Json, plain: Json, path: Path, found: (value: Json, plain: Json, path: Path) => void): void => {
  if (Array.isArray(value)) {
    value.forEach((element, index) => leaves(element, dullElement(plain), [...path, index], found))
  } else if (isObject(value)) {
    for (const [name, field] of Object.entries(value)) {
      leaves(field, isObject(plain) ? plain[name] : undefined, [...path, name], found)
    }
  } else found(value, plain, path)
}

/**
 * All that could be dull in a scenario and is not, and what it would be then.
 *
 * @since 0.1.0
 * @category getters
 */
export const oddities = (scenario: Scenario): ReadonlyArray<{ readonly path: Path; readonly plain: Json }> => {
  const list: Array<{ readonly path: Path; readonly plain: Json }> = []
  leaves(scenario, dull, [], (value, plain, path) => {
    if (value !== plain && (plain !== undefined || optional.has(path.at(-1)))) list.push({ path, plain })
  })
  return list
}

/**
 * All numbers of a scenario that are further from 0 than 1 and mean how much.
 *
 * @since 0.1.0
 * @category getters
 */
export const largeNumbers = (scenario: Scenario): ReadonlyArray<Path> => {
  const list: Array<Path> = []
  leaves(scenario, dull, [], (value, plain, path) => {
    if (typeof value === "number" && value !== plain && Math.abs(value) > 1 && path.at(-1) !== "seed") list.push(path)
  })
  return list
}

/**
 * A copy with something else there.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withValue = <A>(value: A, path: Path, change: (before: Json) => Json): A => {
  const [step, ...rest] = path
  if (step === undefined) return change(value) as A
  const inner = (value as { readonly [step: string | number]: Json })[step]
  const changed = withValue(inner, rest, change)
  if (Array.isArray(value)) return value.with(step as number, changed) as A
  return { ...value, [step]: changed }
}
