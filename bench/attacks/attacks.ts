/**
 * The attacks that `npm run bench -- attacks` makes, each as hard as one process can. On
 * loopback, and for the few seconds it is told.
 */
import { connect, type Socket } from "node:net"
import { Duplex } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import { connect as connectTls } from "node:tls"

const [canDo, submitJobBackground, echo] = [1, 18, 16]

export const packet = (type: number, body: string | Uint8Array = "", claimedBytes?: number): Buffer => {
  const bytes = Buffer.from(body)
  const header = Buffer.from("\0REQ\0\0\0\0\0\0\0\0", "latin1")
  header.writeUInt32BE(type, 4)
  header.writeUInt32BE(claimedBytes ?? bytes.length, 8)
  return Buffer.concat([header, bytes])
}

/** An attack on the job server at a port; it goes on until the process is ended. */
type Attack = (port: number) => void | Promise<void>

/** Dials again whenever the server hangs up, at most a thousand times a second in all. */
const hold = (port: number, count: number, speak: (socket: Socket) => void, isReading = true): void => {
  const dial = () => {
    const socket = connect(port, "127.0.0.1")
    socket.on("error", () => {})
    socket.once("close", () => setTimeout(dial, count))
    socket.once("connect", () => speak(socket))
    if (isReading) socket.resume()
    else socket.pause()
  }
  for (let index = 0; index < count; index++) dial()
}

/** Writes as fast as the server reads. */
const flood =
  (next: () => Buffer) =>
  (socket: Socket): void => {
    const write = () => {
      while (!socket.destroyed) {
        if (!socket.write(next())) {
          socket.once("drain", write)
          return
        }
      }
    }
    write()
  }

const repeated = (bytes: Buffer, count: number): (() => Buffer) => {
  const batch = Buffer.concat(Array.from({ length: count }, () => bytes))
  return () => batch
}

let names = 0

/** A batch of packets, each with a name that was never there. */
const named = (make: (name: string) => Buffer, count: number) => () =>
  Buffer.concat(Array.from({ length: count }, () => make(`attack-${names++}`)))

/** The first words of a TLS handshake: they make a server sign something and keep a state. */
const clientHello = (): Promise<Buffer> =>
  new Promise((resolve) => {
    const wire = new Duplex({
      read: () => {},
      write: (bytes: Buffer, _encoding, done) => {
        resolve(bytes)
        done()
      }
    })
    connectTls({ socket: wire }).on("error", () => {})
  })

export const attacks = {
  "slow packets (slowloris)": (port) => {
    const sockets = new Set<Socket>()
    hold(port, 1_000, (socket) => {
      socket.write(packet(echo, "", 1_000_000))
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
    })
    setInterval(() => {
      for (const socket of sockets) socket.write("x")
    }, 500)
  },
  "endless lines": (port) => hold(port, 50, flood(repeated(Buffer.from("x"), 65_536))),
  "lines of nonsense": (port) => hold(port, 16, flood(repeated(Buffer.from("no such\n"), 4_096))),
  "new functions": (port) => hold(port, 16, flood(named((name) => packet(canDo, name), 500))),
  "new uniques": (port) =>
    hold(port, 16, flood(named((name) => packet(submitJobBackground, `attacked\0${name}\0x`), 500))),
  "tiny packets": (port) => hold(port, 16, flood(repeated(packet(echo), 5_000))),
  "tiny packets, answers unread": (port) => hold(port, 16, flood(repeated(packet(echo), 5_000)), false),
  "packets of 1 MiB": (port) => hold(port, 16, flood(repeated(packet(echo, new Uint8Array(1 << 20)), 1))),
  "status of 10,000 functions": (port) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("error", () => {})
    for (let index = 0; index < 10_000; index++) socket.write(packet(canDo, `attack-${index}`))
    hold(port, 16, flood(repeated(Buffer.from("status\n"), 1_000)))
  },
  "status, answers unread": (port) => hold(port, 16, flood(repeated(Buffer.from("status\n"), 1_000)), false),
  "TLS handshakes that stop half-way": async (port) => {
    const hello = await clientHello()
    hold(port, 500, (socket) => socket.write(hello))
    // Others hang up when the server has done its part, and begin anew.
    hold(port, 16, (socket) => {
      socket.write(hello)
      socket.once("data", () => socket.resetAndDestroy())
    })
  },
  "connections that come and go": (port) => {
    const again = async () => {
      while (true) {
        const socket = connect(port, "127.0.0.1")
        await new Promise<void>((resolve) => {
          socket.once("connect", resolve)
          socket.once("error", () => resolve())
        })
        socket.resetAndDestroy()
        await sleep(0)
      }
    }
    for (let index = 0; index < 32; index++) void again()
  },
  "connections that say nothing": (port) => hold(port, 5_000, () => {})
} satisfies Record<string, Attack>

export type AttackName = keyof typeof attacks

/** Whether it is an attack on a port that speaks TLS. */
export const isOnTls = (name: string): boolean => name.startsWith("TLS")
