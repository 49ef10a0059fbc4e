/**
 * What the job server's state machine and codec cost by themselves: bytes in, bytes out,
 * in one process and without sockets, in CPU time. Not a test.
 *
 *   node bench/server-core.ts [part of a scenario's title]
 *
 * A job is what a client and a worker make of it: SUBMIT_JOB, JOB_CREATED, (NOOP,) GRAB_JOB,
 * JOB_ASSIGN, WORK_COMPLETE twice, and PRE_SLEEP when there is nothing left.
 */
import * as Codec from "../src/protocol/Codec.ts"
import * as Packet from "../src/protocol/Packet.ts"
import { JobServerCore } from "../src/protocol/server/JobServerCore.ts"
import { concat } from "./support/core.ts"

const secondsEach = 1

interface Scenario {
  readonly title: string
  /** Jobs that are submitted in one batch of bytes, and worked off one by one. */
  readonly outstanding: number
  readonly workloadBytes: number
  readonly uniqueBytes: number
  /** Functions that the worker can do; the last one registered is used. */
  readonly functions: number
}

const scenarios: ReadonlyArray<Scenario> = [
  { title: "one at a time, 10 B", outstanding: 1, workloadBytes: 10, uniqueBytes: 0, functions: 1 },
  { title: "100 outstanding, 10 B", outstanding: 100, workloadBytes: 10, uniqueBytes: 0, functions: 1 },
  {
    title: "100 outstanding, 10 B, unique of 36 B",
    outstanding: 100,
    workloadBytes: 10,
    uniqueBytes: 36,
    functions: 1
  },
  {
    title: "10,000 outstanding, 10 B, unique of 36 B",
    outstanding: 10_000,
    workloadBytes: 10,
    uniqueBytes: 36,
    functions: 1
  },
  { title: "100 outstanding, 10 KiB", outstanding: 100, workloadBytes: 10_240, uniqueBytes: 0, functions: 1 },
  {
    title: "100 outstanding, 10 B, 10,000 functions",
    outstanding: 100,
    workloadBytes: 10,
    uniqueBytes: 0,
    functions: 10_000
  }
]

/** A connection whose peer takes everything at once. */
class Peer {
  received: Array<Uint8Array> = []
  readonly push: (bytes: Uint8Array) => void

  constructor(core: JobServerCore, now: { readonly monotonicMillis: number; readonly wallMillis: number }) {
    const session = core.connected(
      {
        peerHost: "bench",
        send: (chunks) => {
          // The server uses its buffers again, as nothing remains unsent.
          for (const chunk of chunks) this.received.push(chunk.length < 4096 ? chunk.slice() : chunk)
        },
        unsentBytes: () => 0,
        end: () => {},
        destroy: () => {}
      },
      now
    )!
    const decoder = new Codec.Decoder(
      { packet: (frame) => core.received(session, frame, now), line: (line) => core.line(session, line, now) },
      core.options
    )
    this.push = (bytes) => {
      decoder.push(bytes)
      core.flush()
    }
  }

  take(): ReadonlyArray<Uint8Array> {
    const taken = this.received
    this.received = []
    return taken
  }
}

/** Another process's turn on the CPU is not counted. */
const cpuMillis = (): number => {
  const { system, user } = process.cpuUsage()
  return (user + system) / 1000
}

const uniqueOf = (number: number, bytes: number): string => (bytes === 0 ? "" : `${number}`.padStart(bytes, "u"))

const run = (
  scenario: Scenario,
  seconds: number
): { readonly jobs: number; readonly millis: number; readonly packets: number } => {
  const now = { monotonicMillis: 0, wallMillis: Date.now() }
  const core = new JobServerCore({}, { handlePrefix: "H:0123456789ab", merging: 1 })
  const [client, worker] = [new Peer(core, now), new Peer(core, now)]
  const name = (index: number) => `function-${index}`
  for (let index = 0; index < scenario.functions; index++) {
    worker.push(Codec.encode(Packet.request("CAN_DO", { function: name(index) })))
  }
  const workload = new Uint8Array(scenario.workloadBytes).fill(120)
  const submissions = concat(
    Array.from({ length: scenario.outstanding }, (_, index) =>
      Codec.encode(
        Packet.request("SUBMIT_JOB", {
          function: name(scenario.functions - 1),
          unique: uniqueOf(index, scenario.uniqueBytes),
          workload
        })
      )
    )
  )
  const grab = Codec.encode(Packet.request("GRAB_JOB_UNIQ", {}))
  const sleep = Codec.encode(Packet.request("PRE_SLEEP", {}))
  const handleBytes = "H:0123456789ab:0000000000".length
  const complete = Codec.encode(Packet.request("WORK_COMPLETE", { handle: "x".repeat(handleBytes), data: workload }))

  worker.push(sleep)
  let jobs = 0
  let rounds = 0
  const start = cpuMillis()
  let millis = 0
  while (millis < seconds * 1000) {
    client.push(submissions)
    worker.take()
    worker.push(grab)
    for (let count = 0; count < scenario.outstanding; count++) {
      const assigned = worker.take()[0]!
      for (let index = 0; index < handleBytes; index++) {
        complete[Codec.headerBytes + index] = assigned[Codec.headerBytes + index]!
      }
      worker.push(complete)
      worker.push(grab)
    }
    worker.push(sleep)
    client.take()
    jobs += scenario.outstanding
    // Reading the CPU time is a system call.
    if (++rounds % 64 === 0 || scenario.outstanding > 64) millis = cpuMillis() - start
  }
  if (core.counters.completed !== jobs) throw new Error(`${core.counters.completed} of ${jobs} jobs completed`)
  return { jobs, millis, packets: core.counters.packets }
}

const only = process.argv[2]
for (const scenario of scenarios) {
  if (only !== undefined && !scenario.title.includes(only)) continue
  run(scenario, secondsEach / 4)
  const { jobs, millis, packets } = run(scenario, secondsEach)
  const perJob = ((millis * 1000) / jobs).toFixed(2).padStart(8)
  const perSecond = Math.round(packets / (millis / 1000))
    .toLocaleString("en")
    .padStart(12)
  console.log(`${scenario.title.padEnd(45)}${perJob} µs per job${perSecond} packets in per second`)
}
