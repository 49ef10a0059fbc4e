/**
 * What moving the bytes costs by itself: a server on Node's sockets that passes the messages
 * of one foreground job after the other from client to worker and back, as many and as long
 * as a job server's, and knows no functions, uniques, states or limits.
 *
 * It does what is known to be cheapest: all reads go into one buffer, all that a turn of the
 * loop has for a connection leaves in one write, past the stream where the kernel takes it,
 * and NO_JOB is said only when nothing more has come. So it says what the job server says.
 */
import { createServer, type Socket } from "node:net"
import * as DirectWrite from "../../src/runtime/network/DirectWrite.ts"
import * as SharedRead from "../../src/runtime/network/SharedRead.ts"

const [preSleep, noop, submitJob, jobCreated, noJob, workComplete, grabJobUniq, jobAssignUniq] = [
  4, 6, 7, 8, 10, 13, 30, 31
]
const headerBytes = 12
const handleBytes = 12

interface Connection {
  readonly socket: Socket
  readonly descriptor: number
  readonly handle: Buffer
  output: Buffer
  used: number
  rest: Buffer
}

const none = Buffer.alloc(0)
const nul = Buffer.from([0])
const connections: Array<Connection> = []
const waiting: Array<{ readonly handle: Buffer; readonly body: Buffer }> = []
const asleep: Array<Connection> = []
const asking: Array<Connection> = []
const touched: Array<Connection> = []
let firstWaiting = 0

const say = (connection: Connection, type: number, ...parts: ReadonlyArray<Buffer>) => {
  const bodyBytes = parts.reduce((sum, part) => sum + part.length, 0)
  let { output, used: at } = connection
  const end = at + headerBytes + bodyBytes
  if (at === 0) touched.push(connection)
  if (end > output.length) {
    output = Buffer.allocUnsafe(Math.max(end * 2, 1024))
    connection.output.copy(output, 0, 0, at)
    connection.output = output
  }
  at = output.writeUInt32BE(0x00524553, at)
  at = output.writeUInt32BE(type, at)
  at = output.writeUInt32BE(bodyBytes, at)
  for (const part of parts) at += part.copy(output, at)
  connection.used = end
}

const give = (connection: Connection): boolean => {
  const job = waiting[firstWaiting]
  if (job === undefined) return false
  if (++firstWaiting === 1024) {
    waiting.splice(0, 1024)
    firstWaiting = 0
  }
  say(connection, jobAssignUniq, job.handle, nul, job.body)
  return true
}

const received = (connection: Connection, type: number, body: Buffer) => {
  if (type === submitJob) {
    // The handle names the connection, and is as long as a job server's.
    say(connection, jobCreated, connection.handle)
    waiting.push({ handle: connection.handle, body: Buffer.from(body) })
    if (asking.length === 0) for (const worker of asleep.splice(0)) say(worker, noop)
  } else if (type === grabJobUniq) {
    if (!give(connection)) asking.push(connection)
  } else if (type === workComplete) {
    say(connections[Number(body.toString("latin1", 0, handleBytes))]!, workComplete, body)
  } else if (type === preSleep) {
    if (waiting[firstWaiting] === undefined) asleep.push(connection)
    else say(connection, noop)
  }
}

const send = () => {
  while (asking.length > 0 && give(asking[0]!)) asking.shift()
  for (const connection of touched) {
    const { output, used } = connection
    connection.used = 0
    const sent = DirectWrite.write(connection.socket, connection.descriptor, [output.subarray(0, used)])
    if (sent < used) connection.socket.write(output.subarray(sent, used))
    // The socket may keep what the kernel has not taken yet.
    if (connection.socket.writableLength > 0) connection.output = none
  }
  touched.length = 0
}

let isDue = false

const turn = () => {
  isDue = false
  send()
  if (asking.length > 0) setImmediate(quiet)
}

/** As our job server does, who has asked is told that there is nothing when nothing more has come. */
const quiet = () => {
  if (isDue) return
  for (const connection of asking.splice(0)) say(connection, noJob)
  send()
}

const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
  const handle = Buffer.from(String(connections.length).padStart(handleBytes, "0"))
  const descriptor = DirectWrite.descriptorOf(socket)
  const connection: Connection = { socket, descriptor, handle, output: none, used: 0, rest: none }
  connections.push(connection)
  socket.on("error", () => {})
  const hear = (read: Uint8Array) => {
    const chunk = Buffer.from(read.buffer, read.byteOffset, read.length)
    const bytes = connection.rest.length === 0 ? chunk : Buffer.concat([connection.rest, chunk])
    let at = 0
    while (bytes.length - at >= headerBytes) {
      const end = at + headerBytes + bytes.readUInt32BE(at + 8)
      if (end > bytes.length) break
      received(connection, bytes.readUInt32BE(at + 4), bytes.subarray(at + headerBytes, end))
      at = end
    }
    // What was read into is used again.
    connection.rest = at === bytes.length ? none : Buffer.from(bytes.subarray(at))
    if (isDue) return
    isDue = true
    setImmediate(turn)
  }
  SharedRead.tell(socket, { hear })
  socket.resume()
})
server.listen(Number(process.argv[2]), "127.0.0.1")
process.on("SIGTERM", () => process.exit(0))
