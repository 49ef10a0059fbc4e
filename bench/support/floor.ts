/**
 * What moving the bytes costs by itself: a server on Node's plain sockets that passes the
 * messages of one foreground job after the other from client to worker and back, as many
 * and as long as a job server's, and knows no functions, uniques, states or limits.
 */
import { createServer, type Socket } from "node:net"

const [preSleep, noop, submitJob, jobCreated, noJob, workComplete, grabJobUniq, jobAssignUniq] = [
  4, 6, 7, 8, 10, 13, 30, 31
]

const message = (type: number, ...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const header = Buffer.alloc(12)
  header.write("\0RES", "latin1")
  header.writeUInt32BE(type, 4)
  header.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 0),
    8
  )
  return Buffer.concat([header, ...parts])
}

const noJobMessage = message(noJob)
const noopMessage = message(noop)
const nul = Buffer.from([0])

interface Connection {
  readonly socket: Socket
  readonly handle: Buffer
  output: Array<Buffer>
  rest: Buffer
}

const connections: Array<Connection> = []
const waiting: Array<{ readonly handle: Buffer; readonly body: Buffer }> = []
const asleep: Array<Connection> = []
const touched = new Set<Connection>()
let firstWaiting = 0

const say = (connection: Connection, bytes: Buffer) => {
  connection.output.push(bytes)
  touched.add(connection)
}

const received = (connection: Connection, type: number, body: Buffer) => {
  if (type === submitJob) {
    // The handle names the connection, and is as long as a job server's.
    say(connection, message(jobCreated, connection.handle))
    waiting.push({ handle: connection.handle, body: Buffer.from(body) })
    for (const worker of asleep.splice(0)) {
      say(worker, noopMessage)
    }
  } else if (type === grabJobUniq) {
    const job = waiting[firstWaiting]
    if (job === undefined) {
      say(connection, noJobMessage)
      return
    }
    if (++firstWaiting === 1024) {
      waiting.splice(0, 1024)
      firstWaiting = 0
    }
    say(connection, message(jobAssignUniq, job.handle, nul, job.body))
  } else if (type === workComplete) {
    say(connections[Number(body.toString("latin1", 0, 12))]!, message(workComplete, body))
  } else if (type === preSleep) {
    if (waiting[firstWaiting] === undefined) {
      asleep.push(connection)
    } else {
      say(connection, noopMessage)
    }
  }
}

const server = createServer({ noDelay: true }, (socket) => {
  const handle = Buffer.from(String(connections.length).padStart(12, "0"))
  const connection: Connection = { socket, handle, output: [], rest: Buffer.alloc(0) }
  connections.push(connection)
  socket.on("error", () => {})
  socket.on("data", (chunk: Buffer) => {
    const bytes = connection.rest.length === 0 ? chunk : Buffer.concat([connection.rest, chunk])
    let at = 0
    while (bytes.length - at >= 12) {
      const end = at + 12 + bytes.readUInt32BE(at + 8)
      if (end > bytes.length) {
        break
      }
      received(connection, bytes.readUInt32BE(at + 4), bytes.subarray(at + 12, end))
      at = end
    }
    connection.rest = bytes.subarray(at)
    for (const { socket, output } of touched) {
      socket.write(output.length === 1 ? output[0]! : Buffer.concat(output))
      output.length = 0
    }
    touched.clear()
  })
})
server.listen(Number(process.argv[2]), "127.0.0.1")
process.on("SIGTERM", () => process.exit(0))
