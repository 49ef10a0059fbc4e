/**
 * One accepted Node socket as the `Connection` of the abstract network: bytes go to a
 * synchronous handler, output leaves in one system call per batch, and reading pauses
 * while the peer does not take its answers.
 */
import * as Effect from "effect/Effect"
import * as Socket from "effect/socket/Socket"
import type * as Network from "../../protocol/Network.ts"
import * as DirectWrite from "./DirectWrite.ts"
import type * as SharedRead from "./SharedRead.ts"
import { Fairness, type Share } from "./Fairness.ts"
import * as Tls from "./Tls.ts"
import * as Turn from "./Turn.ts"

/** How long output may linger once the peer has said goodbye, before it is dropped. */
const lingerMillis = 5_000

/** All connections of the process share its time. */
const fairness = new Fairness()

/** IPv4 peers of a dual-stack listener look like `::ffff:127.0.0.1`. */
const plainHost = (host: string) => (host.startsWith("::ffff:") && host.includes(".") ? host.slice(7) : host)

const closed = (hadError: boolean) =>
  new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: hadError ? 1006 : 1000 }) })

/**
 * Wraps a socket that was accepted paused. Reading starts with `receive`.
 */
export const make = ({ onBytes: hear, socket }: SharedRead.Accepted): Network.Connection => {
  let pauseAbove = Number.POSITIVE_INFINITY
  let paused = false
  let isHeld = false
  let isReceiving = false
  let share: Share | undefined
  // Kept here because a socket forgets its peer when it closes.
  const peerHost = socket.remoteAddress === undefined ? "unix" : plainHost(socket.remoteAddress)
  const peerPort = socket.remotePort ?? 0

  // Without a listener an error would end the process; `close` follows and tells `receive`.
  let failure: Error | undefined
  socket.on("error", (cause) => {
    failure ??= cause
  })

  const readOn = () => {
    if (isReceiving && !paused && !isHeld && share?.isBehind !== true) socket.resume()
  }

  const resumeWhenDrained = () => {
    if (paused && socket.writableLength * 2 <= pauseAbove) {
      paused = false
      goOn()
    }
  }

  const goOn = () => {
    if (paused || isHeld) return
    share?.release()
    readOn()
  }

  const stop = () => {
    share?.hold()
    socket.pause()
  }

  const writeDirectly = DirectWrite.to(socket)

  const send = (given: ReadonlyArray<Uint8Array>) => {
    if (socket.destroyed || socket.writableEnded || given.length === 0) return
    const chunks = DirectWrite.without(given, writeDirectly(given))
    if (chunks.length === 0) return
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (let i = 0; i < last; i++) socket.write(chunks[i]!)
    const bytes = chunks[last]!
    const isOver = socket.writableLength + bytes.length > pauseAbove
    // Only the write that goes over the limit, and those after it, need to be told of.
    if (paused || isOver) socket.write(bytes, resumeWhenDrained)
    else socket.write(bytes)
    if (last > 0) socket.uncork()
    if (!paused && socket.writableLength > pauseAbove) {
      paused = true
      stop()
    }
  }

  /** Lets what is waiting go out, but not for ever: the peer may never read it. */
  const closeSoon = () => {
    if (socket.destroyed) return
    const timer = setTimeout(() => socket.destroy(), lingerMillis)
    timer.unref()
    socket.once("close", () => clearTimeout(timer))
    socket.destroySoon()
  }

  const receive: Network.Connection["receive"] = (onBytes, options) =>
    Effect.callback<void, Socket.SocketError>((resume) => {
      if (socket.destroyed) {
        return resume(Effect.fail(closed(true)))
      }
      pauseAbove = options.pauseAboveBytes
      isReceiving = true
      const { afterBytes } = options
      let hasEnded = false
      const onDefect = (defect: unknown) => {
        socket.destroy()
        resume(Effect.die(defect))
      }
      const work = (bytes: Uint8Array) => {
        if (socket.destroyed) return
        try {
          onBytes(bytes)
          if (afterBytes !== undefined) Turn.atEnd(afterBytes, bytes.length, onDefect)
        } catch (defect) {
          onDefect(defect)
        }
      }
      const mine = fairness.join(work, readOn)
      share = mine
      const onData = (bytes: Uint8Array) => {
        mine.hear(bytes)
        if (mine.isBehind) socket.pause()
      }
      const onEnd = () => {
        hasEnded = true
        resume(Effect.void)
        closeSoon()
      }
      const onClose = () => {
        mine.drop()
        if (hasEnded) return
        // Closing it ourselves is an orderly end; a reset or a lost peer is not.
        resume(
          failure === undefined
            ? Effect.void
            : Effect.fail(new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: failure }) }))
        )
      }
      hear(onData)
      socket.on("end", onEnd)
      socket.on("close", onClose)
      if (paused || isHeld) stop()
      else socket.resume()
      return Effect.sync(() => {
        socket.off("end", onEnd)
        socket.off("close", onClose)
        mine.drop()
        socket.destroy()
      })
    })

  return {
    peerHost,
    peerPort,
    peerNames: Tls.namesOf(socket),
    receive,
    send,
    unsentBytes: () => socket.writableLength,
    hold: (shouldHold) => {
      if (isHeld === shouldHold) return
      isHeld = shouldHold
      if (isHeld) stop()
      else goOn()
    },
    probe: (silenceMillis) => void socket.setKeepAlive(true, silenceMillis),
    end: closeSoon,
    destroy: () => {
      socket.destroy()
    }
  }
}
