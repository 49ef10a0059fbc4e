/**
 * Those who come and go during a soak: clients with a handful of jobs of every kind, some
 * of which leave before they have their answers, and strangers who are no good peers.
 */
import { once } from "node:events"
import { connect as dial } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { connect, type JobFunction, type PromiseClient } from "../../src/promise/index.ts"
import * as Functions from "./functions.ts"
import type { Kind, Ledger } from "./Ledger.ts"

const draw = (from: number, to: number): number => from + Math.floor(Math.random() * (to - from + 1))

/** Mostly small, some of up to 256 KiB. */
const drawBytes = (): number => Math.floor(12 * 2 ** (Math.random() ** 2 * 14.4))

const priorities = ["high", "normal", "low"] as const

type SoakFunction = JobFunction.JobFunction<string, string, string>

interface Visit {
  readonly client: PromiseClient
  readonly ledger: Ledger
  hasLeft: boolean
}

const reasonOf = (error: unknown): string =>
  (error as { readonly reason?: { readonly _tag: string } }).reason?._tag ?? String(error)

/** Reasons that are what the function is there for. */
const asked: Readonly<Record<string, readonly [function: string, "failed as asked" | "threw as asked"]>> = {
  JobFailed: [Functions.failing.name, "failed as asked"],
  JobException: [Functions.throwing.name, "threw as asked"]
}

const call = async (visit: Visit, kind: Kind, fn: SoakFunction, payload: string, unique?: string): Promise<void> => {
  const { client, ledger } = visit
  try {
    const result = await client.run(fn, payload, { unique, priority: priorities[draw(0, 2)] })
    ledger.end(kind, result === payload ? "done" : "wrong result")
  } catch (error) {
    const reason = reasonOf(error)
    const [name, ending] = asked[reason] ?? []
    if (ending !== undefined && name === fn.name) ledger.end(kind, ending)
    else if (visit.hasLeft) ledger.end(kind, "given up")
    else ledger.lost(kind, `${fn.name}: ${reason}`)
  }
}

const leave = async (visit: Visit, kind: "background" | "delayed"): Promise<void> => {
  const { client, ledger } = visit
  const id = ledger.enter(kind)
  const options =
    kind === "delayed" ? { after: `${draw(1, 3)} seconds` as const } : { priority: priorities[draw(0, 2)] }
  try {
    await client.background(Functions.note, Functions.payloadOf(id, drawBytes()), options)
    ledger.accepted(id)
  } catch (error) {
    if (visit.hasLeft) ledger.givenUp(id)
    else ledger.lost(kind, `${Functions.note.name}: ${reasonOf(error)}`)
  }
}

let groups = 0

/** Several callers of one unique, who share what the first of them asked for. */
const share = (visit: Visit): ReadonlyArray<Promise<void>> => {
  const callers = Array.from({ length: draw(2, 12) }, () => visit.ledger.enter("merged"))
  const payload = Functions.payloadOf(callers[0]!, drawBytes())
  const unique = `group-${++groups}`
  return callers.map(() => call(visit, "merged", Functions.shared, payload, unique))
}

const drawJobs = (visit: Visit): ReadonlyArray<Promise<void>> => {
  const foreground = (fn: SoakFunction) => [
    call(visit, "foreground", fn, Functions.payloadOf(visit.ledger.enter("foreground"), drawBytes()))
  ]
  const choice = Math.random()
  if (choice < 0.4) return foreground(Functions.echo)
  if (choice < 0.5) return foreground(Functions.slow)
  if (choice < 0.55) return foreground(Functions.failing)
  if (choice < 0.6) return foreground(Functions.throwing)
  if (choice < 0.7) return share(visit)
  return [leave(visit, choice < 0.95 ? "background" : "delayed")]
}

/** A client comes, submits up to twenty times, and mostly waits for its answers. */
export const visit = async (server: string, ledger: Ledger): Promise<void> => {
  const client = connect({ servers: [server], noServerTimeout: "1 minute" })
  const visit: Visit = { client, ledger, hasLeft: false }
  const calls: Array<Promise<void>> = []
  for (let left = draw(1, 20); left > 0; left--) {
    calls.push(...drawJobs(visit))
    if (Math.random() < 0.3) await sleep(draw(1, 20))
  }
  if (Math.random() < 0.1) {
    await sleep(draw(0, 50))
    visit.hasLeft = true
    await client.close()
  }
  await Promise.all(calls)
  if (!visit.hasLeft) await client.close()
}

const header = (type: number, bodyBytes: number): Buffer => {
  const bytes = Buffer.from("\0REQ\0\0\0\0\0\0\0\0", "latin1")
  bytes.writeUInt32BE(type, 4)
  bytes.writeUInt32BE(bodyBytes, 8)
  return bytes
}

const canDo = 1

/** What strangers say: nothing, half of something, rubbish, questions, and offers that they withdraw. */
const words: ReadonlyArray<() => Buffer> = [
  () => Buffer.alloc(0),
  () => header(7, 1_000_000).subarray(0, draw(1, 12)),
  () => Buffer.concat([header(7, 100_000), Buffer.alloc(50_000)]),
  () => Buffer.from("\0XYZ and so on"),
  () => Buffer.from("status\nworkers\n"),
  () => Buffer.from("x".repeat(10_000)),
  () => {
    const name = Buffer.from(`soak.stranger-${draw(1, 200)}`)
    return Buffer.concat([header(canDo, name.length), name])
  }
]

/** A stranger connects, says something, waits a while and is gone: in order, or by a reset. */
export const stranger = async (port: number): Promise<void> => {
  const socket = dial(port, "127.0.0.1")
  socket.on("error", () => {})
  socket.resume()
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
  await Promise.race([once(socket, "connect").catch(() => {}), closed])
  socket.write(words[draw(0, words.length - 1)]!())
  await Promise.race([sleep(draw(0, 100) ** 2 / 2), closed])
  if (Math.random() < 0.5) socket.resetAndDestroy()
  else socket.end()
  await Promise.race([sleep(1_000), closed])
  socket.destroy()
}
