/**
 * What a map's caller gets on the way, and when: properties 49 to 51.
 *
 * @since 0.1.0
 */
import { type Asked, type Event } from "./History.ts"
import { type Property, Violation } from "./Property.ts"

type Mapped = Extract<Event, { readonly _tag: "Mapped" }>

/** A map under way. */
interface Open {
  readonly asked: Asked
  readonly map: NonNullable<Asked["map"]>
  readonly workloads: ReadonlyArray<string>
  done: number
  failed: number
  failedAt: number
  /** Results that its caller has been given. */
  given: number
}

/** Longer than a client takes to let go of a map's other items. */
const letGoMillis = 1000

/**
 * Each item that ends is counted once, in its turn, and all are when a map has succeeded.
 * A failure ends a map that does not collect. A stream has no more items under way or
 * unread than its window, in the order of its input; as they come, whoever reads gets what
 * is done at once. `workloadsOf` gives what a map's items carry, `isPrompt` tells whose
 * programs nothing holds up.
 *
 * @since 0.1.0
 * @category properties
 */
export const mapResults = (
  workloadsOf: (asked: Asked) => ReadonlyArray<string>,
  isPrompt: (node: string) => boolean
): Property => {
  const open = new Map<number, Open>()
  /** How many callers of a client want this. */
  const wanted = new Map<string, number>()
  const keyOf = (node: string, fn: string, workload: string) => `${node} ${fn} ${workload}`

  const tell = ({ caller, kind, text }: Mapped, at: number): void => {
    const one = open.get(caller)
    if (one === undefined) throw new Violation(49, `caller ${caller} gets ${kind} ${text} after its end`)
    if (kind === "result") {
      one.given++
      return
    }
    const [done, failed, total] = text.split(" ").map(Number)
    const isFailure = failed === one.failed + 1
    const isTotal = one.map.order === undefined ? total === one.workloads.length : Number.isNaN(total)
    if (done !== one.done + 1 || (!isFailure && failed !== one.failed) || !isTotal)
      throw new Violation(49, `caller ${caller} was told of ${text} items, after ${one.done} ${one.failed}`)
    one.done = done
    one.failed = failed!
    if (isFailure) one.failedAt = Math.min(one.failedAt, at)
  }

  const judgeEnd = ({ asked, done, failed, given, map, workloads }: Open, text: string): void => {
    const failures = text.split(",").filter((place) => place.startsWith("ItemFailed ")).length
    if (done !== workloads.length || failed !== failures || (map.order !== undefined && given !== done))
      throw new Violation(
        49,
        `caller ${asked.caller} has results of ${workloads.length} items, of which ${failures} failed, and was told of ${done} ${failed}`
      )
  }

  const judgeWindow = (node: string, fn: string, workload: string): void => {
    if (wanted.get(keyOf(node, fn, workload)) !== 1) return
    for (const { asked, given, map, workloads } of open.values()) {
      if (map.order !== "input" || asked.node !== node || asked.function !== fn) continue
      const index = workloads.indexOf(workload)
      // One may be on its way to its reader: it does not wait any more.
      if (index > given + map.window)
        throw new Violation(
          50,
          `${node} submits item ${index} of caller ${asked.caller}, who has ${given} results and a window of ${map.window}`
        )
    }
  }

  return {
    name: "map results",
    packets: "clients",
    observe: ({ at, event }) => {
      switch (event._tag) {
        case "Asked": {
          const workloads = workloadsOf(event)
          for (const workload of workloads) {
            const key = keyOf(event.node, event.function, workload)
            wanted.set(key, (wanted.get(key) ?? 0) + 1)
          }
          if (event.map !== undefined)
            open.set(event.caller, {
              ...{ asked: event, map: event.map, workloads },
              ...{ done: 0, failed: 0, failedAt: Infinity, given: 0 }
            })
          return
        }
        case "Mapped":
          return tell(event, at)
        case "Answered": {
          const one = open.get(event.caller)
          open.delete(event.caller)
          if (one !== undefined && event.how === "success") judgeEnd(one, event.text)
          return
        }
        case "Ended":
          for (const [caller, { asked }] of open) if (asked.node === event.node) open.delete(caller)
          return
        case "Packet":
          if (open.size > 0 && !event.got && event.name.startsWith("SUBMIT_"))
            judgeWindow(event.node, event.fields[0]!, event.fields.at(-1)!)
      }
    },
    atRest: (_servers, until) => {
      for (const [caller, { asked, done, failed, failedAt, given, map }] of open) {
        if (!isPrompt(asked.node)) continue
        // Who reads slowly may be at the result before.
        if (failed > 0 && !map.collects && !map.isReadSlowly && until - failedAt > letGoMillis)
          throw new Violation(49, `caller ${caller} waits for its map, of which an item failed at ${failedAt} ms`)
        if (map.order !== "completion" || map.isReadSlowly || !(failed === 0 || map.collects) || given === done)
          continue
        throw new Violation(51, `caller ${caller} has ${given} results of its map, and ${done} are there`)
      }
    }
  }
}
