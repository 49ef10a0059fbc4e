/**
 * Lets all accepted sockets read into one buffer. Node gives each read of an accepted
 * socket 64 KiB of fresh memory; with one buffer for all, a 10 KiB message costs the
 * server 4 µs of CPU instead of 13 (`bench/read-path.ts`). A socket that dials may ask
 * for this (`onread`), an accepted one may not, so it is told by what `onread` sets
 * inside of it. Where Node's internals do not allow that, `data` events serve.
 */
import * as Net from "node:net"

/** Whoever hears what a socket reads. */
export interface Hearer {
  /** The bytes are valid only during the call. */
  hear(bytes: Uint8Array): void
}

const hearer = Symbol("hearer")
type Heard = Net.Socket & { [hearer]: Hearer }

/** Safe to share: a read fills it and hands it over before the next read begins. */
const shared = Buffer.allocUnsafeSlow(65_536)

// Most reads bring a few small packets. To make a view of them costs about as much as to read
// one of the packets, so those of short ones are kept.
const longestKept = 512
const beginnings = Array.from({ length: longestKept + 1 }, (_, count) => shared.subarray(0, count))

// One function for all sockets: a closure for each would be most of what an idle one holds.
function onRead(this: Heard, count: number): boolean {
  this[hearer].hear(count <= longestKept ? beginnings[count]! : shared.subarray(0, count))
  return true
}

function onData(this: Heard, bytes: Uint8Array): void {
  this[hearer].hear(bytes)
}

const ownSymbols = Object.getOwnPropertySymbols(new Net.Socket())
const symbolOf = (name: string) => ownSymbols.find(({ description }) => description === name)
const bufferSymbol = symbolOf("kBuffer")
const callbackSymbol = symbolOf("kBufferCb")

const readsShared = (socket: Net.Socket): boolean => {
  if (bufferSymbol === undefined || callbackSymbol === undefined || "encrypted" in socket) return false
  const internals = socket as unknown as Record<symbol, unknown> & {
    readonly _handle?: { readonly useUserBuffer?: unknown } | null
  }
  const handle = internals._handle
  if (typeof handle?.useUserBuffer !== "function") return false
  internals[bufferSymbol] = shared
  internals[callbackSymbol] = onRead
  handle.useUserBuffer(shared)
  return true
}

/**
 * From now on tells one hearer, the last that was given, what the socket reads. It must be
 * paused; reading begins when it is resumed.
 */
export const tell = (socket: Net.Socket, by: Hearer): void => {
  const heard = socket as Heard
  const isFirst = heard[hearer] === undefined
  heard[hearer] = by
  if (isFirst && !readsShared(socket)) socket.on("data", onData)
}
