/**
 * What callers are told when something was lost: properties 36 and 38.
 *
 * @since 0.1.0
 */
import { type Asked, isAwaited, submits } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import { packetOf } from "./requests.ts"

/**
 * Nobody is told that there was no server whose job has been sent to one: it may run, and
 * whoever hears that it cannot will ask again. And a question whose connection is lost is
 * over, not kept until its time has passed; `isPrompt` tells whose programs nothing holds
 * up. `wireWorkloadsOf` gives what a caller's jobs carry on the wire. Not for calls that
 * are asked of a second server too.
 *
 * @since 0.1.0
 * @category properties
 */
export const honesty = (
  wireWorkloadsOf: (asked: Asked) => ReadonlyArray<string>,
  isPrompt: (node: string) => boolean
): Property => {
  const open = new Map<number, Asked>()
  const sent = new Set<number>()
  const note = (node: string, name: string, fields: ReadonlyArray<string>): void => {
    const [fn, unique = ""] = fields
    const isShared = unique !== "" && isAwaited(name)
    const same: Array<number> = []
    for (const asked of open.values()) {
      if ((!submits.has(asked.kind) && asked.kind !== "map") || asked.node !== node) continue
      if (asked.function !== fn || packetOf(asked) !== name) continue
      const isByWorkload = unique === "" || unique === "-"
      if (isByWorkload ? wireWorkloadsOf(asked).includes(fields.at(-1)!) : asked.unique === unique)
        same.push(asked.caller)
    }
    // Of equal ones that share nothing it is not known whose it was.
    if (isShared || same.length === 1) for (const caller of same) sent.add(caller)
  }
  const judge = (asked: Asked, text: string): void => {
    if (text === "NoServer" && sent.has(asked.caller))
      throw new Violation(38, `caller ${asked.caller} was told that there was no server, and its job was sent`)
    if (text === "Timeout" && (asked.kind === "status" || asked.kind === "echo") && isPrompt(asked.node))
      throw new Violation(36, `caller ${asked.caller} waited for an answer until its time was over`)
  }
  return {
    name: "honesty",
    packets: "clients",
    observe: ({ event }) => {
      switch (event._tag) {
        case "Asked":
          open.set(event.caller, event)
          return
        case "Packet":
          if (!event.got && event.name.startsWith("SUBMIT_")) note(event.node, event.name, event.fields)
          return
        case "Answered": {
          const asked = open.get(event.caller)
          open.delete(event.caller)
          if (asked !== undefined && event.how === "failure") judge(asked, event.text)
          sent.delete(event.caller)
        }
      }
    }
  }
}
