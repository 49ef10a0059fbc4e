/**
 * Writes to an accepted plain socket by one system call, past its stream, whose machinery
 * costs about as much as the call itself. Whatever the kernel does not take at once goes
 * through the stream, which also finds and tells what is wrong with the connection.
 */
import * as Fs from "node:fs"
import type * as Net from "node:net"

/** Where there is no descriptor that may be written to. */
export const none = -1

/** What Node's documentation does not name, so that it may be missing. */
interface Internals {
  readonly _handle?: { readonly fd?: unknown } | null
}

const handleOf = (socket: Net.Socket) => (socket as unknown as Internals)._handle

/** A socket's descriptor; there is none with TLS. */
export const descriptorOf = (socket: Net.Socket): number => {
  if ("encrypted" in socket) return none
  const fd = handleOf(socket)?.fd
  return typeof fd === "number" && fd >= 0 ? fd : none
}

/** What is left of the chunks without their first bytes. */
export const without = (chunks: ReadonlyArray<Uint8Array>, bytes: number): ReadonlyArray<Uint8Array> => {
  let at = 0
  let left = bytes
  while (at < chunks.length && left >= chunks[at]!.length) left -= chunks[at++]!.length
  if (left === 0) return at === 0 ? chunks : chunks.slice(at)
  return [chunks[at]!.subarray(left), ...chunks.slice(at + 1)]
}

/**
 * Writes to the socket, whose descriptor was this at first. Returns how many of the bytes
 * the kernel has taken; 0 where it must not be asked.
 */
export const write = (socket: Net.Socket, descriptor: number, chunks: ReadonlyArray<Uint8Array>): number => {
  // What waits in the stream goes first; and a descriptor that is closed may be another's by now:
  // the handle goes with it. (To ask the handle for its descriptor costs a tenth of the write.)
  if (descriptor === none || socket.writableLength > 0 || !handleOf(socket)) return 0
  try {
    // One chunk goes the shorter way.
    if (chunks.length > 1) return Fs.writevSync(descriptor, chunks)
    const only = chunks[0]!
    return Fs.writeSync(descriptor, only, 0, only.length)
  } catch {
    return 0
  }
}
