/**
 * Runs one sequence against two servers, step by step, and compares what each
 * connection read.
 */
import { leftOut } from "./deviations.ts"
import { Model } from "./Model.ts"
import { connections, type Command, type Step } from "./Sequence.ts"
import { Side, type Observation } from "./Side.ts"

export class Difference extends Error {}

export interface Statistics {
  sequences: number
  steps: number
  /** How often each deviation kept a command from being sent. */
  readonly leftOut: Map<string, number>
  /** How often each kind of answer was read and found equal. */
  readonly answers: Map<string, number>
}

const count = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

let sequences = 0

/** A command that needs a worker is given to one, if there is one. */
const actorOf = ({ command, connection }: Step, model: Model): number => {
  if (command._tag === "work" && command.own) {
    const running = model.jobs.filter((job) => job.worker !== undefined)
    return running[command.job % Math.max(1, running.length)]?.worker ?? connection
  }
  if (command._tag === "grab" && !command.anyhow) {
    const workers = [...model.connections.keys()].filter((index) => model.connections[index]!.functions.size > 0)
    return workers[connection % Math.max(1, workers.length)] ?? connection
  }
  if (command._tag === "close" && command.worker) {
    return model.jobs.find((job) => job.worker !== undefined)?.worker ?? connection
  }
  return connection
}

/** Fails with a `Difference` that tells the steps so far and what each server answered. */
export const run = async (
  steps: ReadonlyArray<Step>,
  ports: readonly [number, number],
  maxAttempts: number,
  statistics: Statistics
): Promise<void> => {
  const model = new Model(connections, maxAttempts)
  const prefix = `s${String(sequences++).padStart(6, "0")}`
  const sides = [new Side(ports[0], prefix, model), new Side(ports[1], prefix, model)] as const
  const done: Array<string> = []
  statistics.sequences++
  try {
    for (const step of steps) {
      const { command } = step
      const connection = actorOf(step, model)
      if (isPointless(connection, command, model)) continue
      const deviation = leftOut.find((deviation) => deviation.applies(connection, command, model))
      if (deviation !== undefined) {
        count(statistics.leftOut, deviation.name)
        continue
      }
      statistics.steps++
      await Promise.all(sides.map((side) => side.open(connection)))
      model.connections[connection]!.open = true
      const [first, second] = await Promise.all([
        sides[0].perform(connection, command),
        sides[1].perform(connection, command)
      ])
      done.push(`${connection}: ${JSON.stringify(command)}`)
      for (let index = 0; index < connections; index++) {
        const one = JSON.stringify(first[index])
        const other = JSON.stringify(second[index])
        if (one === other) {
          for (const item of first[index]!) count(statistics.answers, kindOf(item))
          continue
        }
        throw new Difference(
          [
            `connection ${index} read`,
            `  ${one}`,
            `from the first server, and`,
            `  ${other}`,
            `from the second, after`,
            ...done
          ].join("\n")
        )
      }
      for (let index = 0; index < connections; index++) {
        if (command._tag !== "preSleep" && first[index]!.includes("NOOP|")) model.connections[index]!.woken = true
      }
      learn(model, connection, command, first[connection]!)
    }
  } finally {
    await Promise.all(sides.map((side) => side.end()))
  }
}

/** Commands that would only dilute the sequence: there is nothing yet for them to act on. */
const isPointless = (connection: number, command: Command, model: Model): boolean => {
  switch (command._tag) {
    case "work":
      return command.own && model.running(connection).length === 0
    case "grab":
      return !command.anyhow && model.connections[connection]!.functions.size === 0
    case "close":
    case "fatal":
      return (
        !model.connections[connection]!.open ||
        (!command.anyhow &&
          model
            .live()
            .some((job) => job.listeners.length > 0 && job.listeners.every((listener) => listener === connection)))
      )
    default:
      return false
  }
}

const kindOf = (item: string): string => /^[A-Z_]+(?=\|)/.exec(item)?.[0] ?? (item === "closed" ? item : "text")

const jobIn = (item: string): number => Number(/\|job#(\d+)/.exec(item)?.[1])

/** Takes over what both servers answered. */
const learn = (model: Model, connection: number, command: Command, observed: Observation): void => {
  const state = model.connections[connection]!
  const isError = observed.some((item) => item.startsWith("ERROR"))
  const assigned = observed.find((item) => item.startsWith("JOB_ASSIGN"))
  if (assigned !== undefined) model.assigned(jobIn(assigned), connection)
  if (observed.includes("closed") || command._tag === "close") return model.closed(connection)
  switch (command._tag) {
    case "canDo":
      state.functions.add(command.function)
      break
    case "cantDo":
      state.functions.delete(command.function)
      break
    case "resetAbilities":
      state.functions.clear()
      break
    case "grab":
      state.sleeping = false
      state.woken = false
      break
    case "preSleep":
      if (!observed.some((item) => item === "NOOP|")) state.sleeping = true
      break
    case "submit": {
      const created = observed.find((item) => item.startsWith("JOB_CREATED"))
      if (created !== undefined) model.created(jobIn(created), connection, command)
      break
    }
    case "work": {
      const job = model.jobOf(connection, command)
      if (job !== undefined && !isError && [13, 14, 25].includes(command.type)) model.ended(job, command.type)
      break
    }
    case "text": {
      const job = command.line === "cancel job J" ? model.jobOf(connection, command) : undefined
      if (job !== undefined && model.jobs[job]!.state !== "gone") model.cancelled(job)
      break
    }
  }
}
