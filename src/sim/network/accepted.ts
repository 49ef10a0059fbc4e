/**
 * An accepted endpoint as the job server drives it: bytes come in a synchronous handler.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Socket from "effect/socket/Socket"
import type * as Network from "../../protocol/Network.ts"
import type { Broken, Endpoint } from "./Endpoint.ts"

// After the handler returns its bytes are overwritten with this, so that whoever kept a
// view finds garbage instead of being right by luck.
const poison = 0xdb

const readError = (cause: Broken) => new Socket.SocketError({ reason: new Socket.SocketReadError({ cause }) })

/**
 * `soon` calls after anything else that may happen first.
 *
 * @since 0.1.0
 * @category constructors
 */
export const accepted = (endpoint: Endpoint, soon: (later: Network.Later) => void): Network.Connection => {
  let ending = false
  let handler: ((bytes: Uint8Array) => void) | undefined
  let finish: ((exit: Effect.Effect<void, Socket.SocketError>) => void) | undefined
  let pauseAboveBytes = 0
  let paused = false

  const done = (exit: Effect.Effect<void, Socket.SocketError>) => {
    handler = undefined
    endpoint.close(true)
    finish?.(exit)
  }

  const isTooFull = () => {
    const { waiting } = endpoint.outgoing
    paused = paused ? waiting > pauseAboveBytes / 2 : waiting > pauseAboveBytes
    endpoint.onWritable = paused || ending ? wrote : undefined
    return paused
  }

  const readSome = () => {
    if (handler === undefined) return
    // Also one that is not read from at present learns that it is over.
    if (endpoint.broken !== undefined) return done(Effect.fail(readError(endpoint.broken)))
    if (isTooFull()) return
    const count = endpoint.readable()
    if (count > 0) {
      const bytes = endpoint.read(count)
      handler(bytes)
      bytes.fill(poison)
    } else if (endpoint.incoming.ended && endpoint.incoming.unread === 0) return done(Effect.void)
    if (handler !== undefined) endpoint.readDone()
  }

  const wrote = () => {
    if (ending && endpoint.outgoing.waiting === 0) return done(Effect.void)
    if (paused && !isTooFull()) endpoint.notifyReadable()
  }

  const tellWhenWritten = () => {
    endpoint.onWritable = wrote
    endpoint.notifyWritable()
  }

  return {
    peerHost: endpoint.peer.host,
    peerPort: 40_000 + endpoint.connection,
    receive: (onBytes, options) =>
      Effect.callback<void, Socket.SocketError>((resume) => {
        if (endpoint.closed) return resume(Effect.void)
        handler = (bytes) => {
          onBytes(bytes)
          const later = options.afterBytes?.()
          if (later !== undefined) soon(later)
        }
        finish = resume
        pauseAboveBytes = options.pauseAboveBytes
        endpoint.onReadable = readSome
        if (endpoint.hasNews()) endpoint.notifyReadable()
        if (ending) tellWhenWritten()
        return Effect.sync(() => {
          handler = undefined
          endpoint.close(false)
        })
      }),
    send: (chunks) => {
      for (const chunk of chunks) endpoint.write(chunk)
      endpoint.outgoing.pump()
    },
    unsentBytes: () => (endpoint.broken === undefined ? endpoint.outgoing.waiting : 0),
    end: () => {
      endpoint.end()
      ending = true
      if (handler !== undefined) tellWhenWritten()
    },
    destroy: () => {
      if (endpoint.closed) return
      handler = undefined
      endpoint.close(false)
      finish?.(Effect.void)
    }
  }
}
