/**
 * The pieces by themselves, without a socket: codec and job server state machine in
 * packets per second and bytes allocated per packet, and the simulator in steps per second.
 */
import * as Codec from "../../src/protocol/Codec.ts"
import { checkSeed } from "../../src/sim/explore/check.ts"
import { concat, Core, request } from "../support/core.ts"
import { number, showMedian } from "../support/report.ts"
import type { Section } from "../support/Section.ts"

/** A batch of work: `run` does it once and says how many units it was. */
interface Piece {
  readonly title: string
  readonly unit: string
  readonly run: () => number
}

const submitType = 7
const grabType = 9
const completeType = 13
const canDoType = 1
const batch = 100

const decode = (title: string, payloadBytes: number): Piece => {
  const stream = concat(
    Array.from({ length: batch }, () => request(submitType, "resize", "", "x".repeat(payloadBytes)))
  )
  let fieldBytes = 0
  const decoder = new Codec.Decoder({
    packet: (frame) => {
      frame.split()
      fieldBytes += frame.fieldLength(2)
    },
    line: () => {}
  })
  return {
    title: `decode SUBMIT_JOB of ${title}, 64 KiB at a time`,
    unit: "packets",
    run: () => {
      const before = fieldBytes
      for (let at = 0; at < stream.length; at += 65_536) {
        decoder.push(stream.subarray(at, at + 65_536))
      }
      return (fieldBytes - before) / payloadBytes
    }
  }
}

const encode = (): Piece => {
  const packet = {
    _tag: "WORK_COMPLETE",
    magic: "REQ",
    handle: Codec.fromLatin1("H:host:1"),
    data: Codec.fromLatin1("0123456789")
  } as const
  return {
    title: "encode WORK_COMPLETE of 10 B",
    unit: "packets",
    run: () => {
      let length = 0
      for (let count = 0; count < batch; count++) {
        length += Codec.encode(packet).length
      }
      return length === 0 ? 0 : batch
    }
  }
}

/** A client's submissions, then a worker's GRAB_JOBs and WORK_COMPLETEs, each batch flushed. */
const jobs = (title: string, payloadBytes: number): Piece => {
  const server = new Core()
  const [client, worker] = [server.connect(), server.connect()]
  worker.push(request(canDoType, "resize"))
  const payload = "x".repeat(payloadBytes)
  const submissions = concat(Array.from({ length: batch }, () => request(submitType, "resize", "", payload)))
  // Handles have ten digits, which are written over from batch to batch: making the input costs nothing here.
  const answer = concat([request(grabType), request(completeType, "H:0000000000", payload)])
  const answers = concat(Array.from({ length: batch }, () => answer))
  const firstDigit = 2 * Codec.headerBytes + 2
  let counter = 0
  return {
    title: `jobs of ${title} through the state machine: submit, grab, complete`,
    unit: "jobs",
    run: () => {
      client.push(submissions)
      for (let at = firstDigit; at < answers.length; at += answer.length) {
        let rest = ++counter
        for (let digit = 9; digit >= 0; digit--) {
          answers[at + digit] = 48 + (rest % 10)
          rest = Math.floor(rest / 10)
        }
      }
      worker.push(answers)
      return server.core.isIdle && server.sentBytes > 0 ? batch : 0
    }
  }
}

let seed = 0
const simulation: Piece = {
  title: "simulated world of 2 servers, 3 workers, 3 clients",
  unit: "steps",
  run: () => checkSeed(++seed, 1).steps
}

const pieces = (): ReadonlyArray<Piece> => [
  decode("10 B", 10),
  decode("10 KiB", 10_240),
  encode(),
  jobs("10 B", 10),
  jobs("10 KiB", 10_240),
  simulation
]

/** Bytes that the heap grows by, where no collection comes between; else fewer, so the most is near the truth. */
const allocatedPerUnit = (piece: Piece): number => {
  let most = 0
  for (let attempt = 0; attempt < 20; attempt++) {
    const before = process.memoryUsage().heapUsed
    const units = piece.run()
    most = Math.max(most, (process.memoryUsage().heapUsed - before) / units)
  }
  return most
}

const cpuMicros = (): number => {
  const { system, user } = process.cpuUsage()
  return user + system
}

export const micro: Section = {
  name: "micro",
  what: "codec, state machine and simulator by themselves",
  method: "Seconds are of the process's CPU, garbage collection included: who else wants the machine does not count.",
  isAlone: true,
  needsNoLoad: true,
  measure: async ({ rounds, seconds, record, progress }) => {
    const rows = pieces().map((piece) => {
      const rates = new Array<number>()
      for (let round = -1; round < rounds; round++) {
        const start = cpuMicros()
        let units = 0
        while (cpuMicros() - start < seconds * 1e6) {
          units += piece.run()
        }
        const perSecond = units / ((cpuMicros() - start) / 1e6)
        // The first time warms up.
        if (round >= 0) {
          rates.push(perSecond)
          record({ section: "micro", cell: piece.title, server: "ours", round, perSecond })
        }
      }
      progress(piece.title)
      return [piece.title, piece.unit, showMedian(rates), number(allocatedPerUnit(piece))]
    })
    return [
      {
        title: "Pieces by themselves, on one core",
        columns: ["what", "unit", "per CPU second", "bytes of heap per unit"],
        rows
      }
    ]
  }
}
