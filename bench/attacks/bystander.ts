/**
 * A process that takes whatever it is sent and does nothing with it, to be attacked in the
 * server's place: what innocent clients then notice is the machine's doing. Prints its port.
 */
import { createServer } from "node:net"

const server = createServer((socket) => void socket.on("error", () => {}).resume())
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  const address = server.address()
  process.stdout.write(`${typeof address === "object" && address !== null ? address.port : 0}\n`)
})
process.stdin.once("end", () => process.exit(0)).resume()
