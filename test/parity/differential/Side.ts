/**
 * One of the two servers of the differential test, with the connections of the present
 * sequence: sends a command, waits until the server is through with it, and gives what
 * each connection read, in a form that can be compared.
 */
import * as Packet from "../../../src/protocol/Packet.ts"
import { Wire } from "../Wire.ts"
import * as deviations from "./deviations.ts"
import type { Model } from "./Model.ts"
import type { Command } from "./Sequence.ts"

const patienceMillis = 20_000

/** What one connection read during a step. */
export type Observation = ReadonlyArray<string>

const packet = (magic: string, type: number, body: string): Buffer => {
  const bytes = Buffer.alloc(12 + body.length)
  bytes.write(magic, "latin1")
  bytes.writeUInt32BE(type, 4)
  bytes.writeUInt32BE(body.length, 8)
  bytes.write(body, 12, "latin1")
  return bytes
}

export class Side {
  private readonly port: number
  private readonly prefix: string
  private readonly model: Model
  private readonly wires: Array<Wire | undefined>
  private readonly clientIds: Array<string> = []
  private readonly handles = new Map<string, number>()
  private readonly handlesInOrder: Array<string> = []
  private admin: Wire | undefined
  private marks = 0

  constructor(port: number, prefix: string, model: Model) {
    this.port = port
    this.prefix = prefix
    this.model = model
    this.wires = model.connections.map(() => undefined)
  }

  functionName(index: number): string {
    return `${this.prefix}f${index}`
  }

  /** Opens the connection if it is not, under an id by which `workers` shows it. */
  async open(connection: number): Promise<void> {
    if (this.wires[connection] !== undefined) return
    const wire = await Wire.open(this.port)
    this.wires[connection] = wire
    this.clientIds[connection] = `${this.prefix}c${connection}`
    wire.send(packet("\0REQ", 22, this.clientIds[connection]!))
    await this.settle(connection, undefined)
  }

  /** Sends a command and gives what each connection read, the acting one first. */
  async perform(connection: number, command: Command): Promise<ReadonlyArray<Observation>> {
    const observed: Array<Observation> = this.wires.map(() => [])
    if (command._tag === "close") {
      await this.close(connection)
    } else if (command._tag === "fatal") {
      const wire = this.wires[connection]!
      wire.send(Buffer.from(command.bytes, "latin1"))
      observed[connection] = (await wire.end(patienceMillis))
        ? [...this.read(wire.takeAll(), command), "closed"]
        : ["stays open"]
      await this.close(connection)
    } else {
      this.wires[connection]!.send(this.encode(connection, command))
      observed[connection] = await this.settle(connection, command)
    }
    await Promise.all(
      this.wires.map(async (wire, index) => {
        if (wire !== undefined && index !== connection) observed[index] = await this.settle(index, undefined)
      })
    )
    return observed
  }

  async end(): Promise<void> {
    await Promise.all([...this.wires, this.admin].map((wire) => wire?.close()))
  }

  private async close(connection: number): Promise<void> {
    await this.wires[connection]!.close()
    this.wires[connection] = undefined
    // A server deals with a lost connection when it notices; then `workers` has it no more.
    const deadline = Date.now() + patienceMillis
    while (Date.now() < deadline) {
      this.admin ??= await Wire.open(this.port)
      this.admin.send(Buffer.from("workers\n"))
      const listing = (await this.admin.takeThrough(Buffer.from(".\n"), patienceMillis))?.toString("latin1") ?? ""
      if (!listing.includes(` ${this.clientIds[connection]} `)) return
    }
    throw new Error(`the server still lists connection ${connection} of ${this.prefix}, which was closed`)
  }

  /** An echo comes back behind everything that the server had to say on this connection. */
  private async settle(connection: number, command: Command | undefined): Promise<Observation> {
    const wire = this.wires[connection]!
    const mark = `${this.prefix}-mark-${++this.marks}-`
    wire.send(packet("\0REQ", 16, mark))
    const bytes = await wire.takeThrough(packet("\0RES", 17, mark), patienceMillis)
    if (bytes !== undefined) return this.read(bytes, command)
    return [...this.read(wire.takeAll(), command), wire.peerEnded ? "closed" : "stuck"]
  }

  private encode(connection: number, command: Command): Buffer {
    const own = (text: string) => text.replace(/^U/, this.prefix)
    const job = this.model.jobOf(connection, command)
    const handle = job === undefined ? "H:none:1" : this.handlesInOrder[job]!
    switch (command._tag) {
      case "canDo":
        return command.timeout === undefined
          ? packet("\0REQ", 1, this.functionName(command.function))
          : packet("\0REQ", 23, `${this.functionName(command.function)}\0${command.timeout}`)
      case "cantDo":
        return packet("\0REQ", 2, this.functionName(command.function))
      case "resetAbilities":
        return packet("\0REQ", 3, "")
      case "preSleep":
        return packet("\0REQ", 4, "")
      case "grab":
        return packet("\0REQ", command.type, "")
      case "submit":
        return packet(
          "\0REQ",
          command.type,
          [
            this.functionName(command.function),
            own(command.unique),
            ...command.between.map(own),
            command.workload
          ].join("\0")
        )
      case "work":
        return packet("\0REQ", command.type, [handle, ...command.fields].join("\0"))
      case "getStatus":
        return packet("\0REQ", 15, handle)
      case "getStatusUnique":
        return packet("\0REQ", 41, own(command.unique))
      case "packet":
        return packet(command.magic, command.type, command.body)
      case "text": {
        const line = command.line
          .replace(/F/, command.function === undefined ? "F" : this.functionName(command.function))
          .replace(/J$/, handle)
        // gearmand cuts a character off `create function` when there is no carriage return.
        return Buffer.from(`${line}\r\n`, "latin1")
      }
      case "close":
      case "fatal":
        throw new Error(`${command._tag} is no packet`)
    }
  }

  private read(bytes: Buffer, command: Command | undefined): Observation {
    const found: Array<string> = []
    let at = 0
    while (at < bytes.length) {
      if (bytes[at] === 0 && bytes.length - at >= 12) {
        const end = at + 12 + bytes.readUInt32BE(at + 8)
        found.push(this.readPacket(bytes.readUInt32BE(at + 4), bytes.toString("latin1", at + 12, end)))
        at = end
      } else {
        const next = bytes.indexOf("\0RES", at, "latin1")
        const end = next === -1 || next === at ? bytes.length : next
        found.push(this.readText(bytes.toString("latin1", at, end), command))
        at = end
      }
    }
    const items = found.map((item) => item.replaceAll(this.prefix, "U"))
    return command?._tag === "submit" ? deviations.noopAfterJobCreated(items) : items
  }

  private readPacket(type: number, body: string): string {
    const name = Packet.nameOf(type) ?? `type ${type}`
    const fields = deviations.bareHandleInWorkFail(type, body).split("\0")
    const isHandle = (Packet.definitions[name as Packet.Name]?.fields as ReadonlyArray<string>)?.[0] === "handle"
    if (isHandle) fields[0] = this.handleName(fields[0]!)
    return [name, ...fields].join("|")
  }

  /** A handle by the order in which the sequence's jobs were created. */
  private handleName(handle: string): string {
    if (!handle.startsWith("H:test:")) return handle
    let index = this.handles.get(handle)
    if (index === undefined) {
      index = this.handles.size
      this.handles.set(handle, index)
      this.handlesInOrder.push(handle)
    }
    return `job#${index}`
  }

  private readText(text: string, command: Command | undefined): string {
    const word = command?._tag === "text" ? command.line.trim().toLowerCase() : ""
    const parted = (row: string) => [...this.model.parted].some((index) => row.startsWith(this.functionName(index)))
    if (text.startsWith("ERR ")) return text
    if (word.startsWith("status") || word === "prioritystatus") {
      return deviations.ownRows(text, (row) => row.startsWith(this.prefix) && !parted(row))
    }
    if (word === "workers") {
      return deviations.ownRows(text, (row) => row.includes(` ${this.prefix}`), deviations.workersRow)
    }
    if (word === "show unique jobs") return deviations.ownRows(text, (row) => row.startsWith(this.prefix))
    if (word === "show jobs") {
      const known = (row: string) => {
        const index = this.handles.get(row.split("\t")[0]!)
        return index !== undefined && !this.model.parted.has(this.model.jobs[index]!.function)
      }
      const comparable = (row: string) =>
        deviations.showJobsRow(row.replace(/^\S+/, (handle) => this.handleName(handle)))
      return deviations.ownRows(text, known, comparable)
    }
    return word === "version" || word === "getpid" ? deviations.ownIdentity(text) : text
  }
}
