/**
 * Replays a recorded exchange against a job server and tells where it differs.
 *
 * A transcript's steps run in order; a connection is opened when it is first named and
 * given 20 ms before anything is sent, so that connections are accepted in that order.
 */
import { readFileSync } from "node:fs"
import { Wire } from "./Wire.ts"

export type Step =
  | { readonly conn: string; readonly send: string; readonly dribble?: boolean }
  | { readonly conn: string; readonly expect: string; readonly pattern?: string }
  | { readonly conn: string; readonly expect_none_ms: number }
  | { readonly conn: string; readonly expect_close: true }
  | { readonly conn: string; readonly close: true }
  | { readonly sleep_ms: number }

export interface Transcript {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly category: "normal" | "error" | "quirk" | "defect"
  readonly server_args: ReadonlyArray<string>
  readonly steps: ReadonlyArray<Step>
  readonly same_on_2_0_51: boolean
}

export const transcripts: ReadonlyArray<Transcript> = JSON.parse(
  readFileSync(new URL("transcripts.json", import.meta.url), "utf8")
)

const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

const shown = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes).toString("latin1"))

// Only a step that fails takes so long.
const patienceMillis = 10_000

/** What the first step that differs expected and found; `undefined` when none does. */
export const replay = async (steps: ReadonlyArray<Step>, port: number): Promise<string | undefined> => {
  const wires = new Map<string, Wire>()
  const wireOf = async (name: string): Promise<Wire> => {
    let wire = wires.get(name)
    if (wire === undefined) {
      wire = await Wire.open(port)
      wires.set(name, wire)
      await sleep(20)
    }
    return wire
  }
  try {
    for (const [index, step] of steps.entries()) {
      const difference = await play(step, wireOf)
      if (difference !== undefined) return `step ${index}, ${JSON.stringify(step)}: ${difference}`
    }
    return undefined
  } finally {
    await Promise.all([...wires.values()].map((wire) => wire.close()))
  }
}

const play = async (step: Step, wireOf: (name: string) => Promise<Wire>): Promise<string | undefined> => {
  if ("sleep_ms" in step) return void (await sleep(step.sleep_ms))
  const wire = await wireOf(step.conn)
  if ("send" in step) {
    const bytes = Buffer.from(step.send, "hex")
    if (step.dribble === true) await wire.dribble(bytes)
    else wire.send(bytes)
    return undefined
  }
  if ("close" in step) return void (await wire.close())
  if ("expect_none_ms" in step) {
    if (!(await wire.activity(step.expect_none_ms))) return undefined
    return `expected nothing, got ${wire.peerEnded ? "the end and " : ""}${shown(wire.takeAll())}`
  }
  if ("expect_close" in step) {
    const closed = await wire.end(patienceMillis)
    const bytes = wire.takeAll()
    if (bytes.length > 0) return `expected the end without bytes, got ${shown(bytes)}`
    return closed ? undefined : "expected the end, the connection stays open"
  }
  if (step.pattern !== undefined) return expectPattern(wire, new RegExp(`^(?:${step.pattern})$`))
  const wanted = Buffer.from(step.expect, "hex")
  const found = await wire.take(wanted.length, patienceMillis)
  return found.equals(wanted) ? undefined : `expected ${shown(wanted)}, got ${shown(found)}`
}

const expectPattern = async (wire: Wire, pattern: RegExp): Promise<string | undefined> => {
  const deadline = Date.now() + patienceMillis
  let text = ""
  while (Date.now() < deadline) {
    if (!(await wire.activity(deadline - Date.now()))) break
    text += wire.takeAll().toString("latin1")
    if (pattern.test(text)) return undefined
    if (wire.peerEnded) break
  }
  return `expected ${pattern}, got ${JSON.stringify(text)}`
}
