/**
 * What one operation on the server's state costs beside few and beside very many jobs,
 * functions, sleeping workers and listeners: without sockets, so that what grows shows.
 */
import { PacketType } from "../../src/protocol/Packet.ts"
import { concat, Core, request } from "../support/core.ts"
import { logSlope, number, spread, type Table } from "../support/report.ts"
import type { Section } from "../support/Section.ts"

const batch = 100

/** One operation: prepares a server of a size, and gives what does the operation `batch` times. */
interface Operation {
  readonly title: string
  readonly prepare: (size: number) => Round
}

/** `set` is not measured, `run` is. */
interface Round {
  readonly set?: () => void
  readonly run: () => void
  /** How many operations that is, if not a batch. */
  readonly count?: number
  /** Puts everything back as it was, unmeasured. */
  readonly reset?: () => void
}

const times = (make: (index: number) => Uint8Array): Uint8Array =>
  concat(Array.from({ length: batch }, (_, at) => make(at)))
const handleOf = (counter: number) => `H:${`${counter}`.padStart(10, "0")}`
const uniqueOf = (counter: number) => `00000000-0000-4000-8000-${`${counter}`.padStart(12, "0")}`
const payload = "0123456789"
const submitBackground = (fn: string, unique = "") => request(PacketType.SUBMIT_JOB_BG, fn, unique, payload)
const submit = (fn: string) => request(PacketType.SUBMIT_JOB, fn, "", payload)
const grab = request(PacketType.GRAB_JOB)
const sleep = request(PacketType.PRE_SLEEP)
const canDo = (fn: string) => request(PacketType.CAN_DO, fn)
const complete = (counter: number) => request(PacketType.WORK_COMPLETE, handleOf(counter), payload)

/** A server with so many jobs that wait. The first has the number 1. */
const queued = (size: number) => {
  const server = new Core()
  const client = server.connect()
  for (let at = 1; at <= size; at++) client.push(submitBackground("queued", uniqueOf(at)))
  const worker = server.connect()
  worker.push(canDo("queued"))
  return { server, client, worker, counts: { submitted: size, served: 0 } }
}

/** The same numbers in every run, spread over all that there are. */
const scattered = (size: number, at: number) => 1 + ((Math.imul(at + 1, 0x9e3779b1) >>> 0) % size)

const serve = ({ counts, worker }: ReturnType<typeof queued>, count: number) => {
  for (let done = 0; done < count; done++) {
    worker.push(grab)
    worker.push(complete(++counts.served))
  }
}

const besideJobs: ReadonlyArray<Operation> = [
  {
    title: "submit a background job",
    prepare: (size) => {
      const of = queued(size)
      let bytes: Uint8Array = new Uint8Array(0)
      return {
        set: () => (bytes = times(() => submitBackground("queued", uniqueOf(++of.counts.submitted)))),
        run: () => of.client.push(bytes),
        reset: () => serve(of, batch)
      }
    }
  },
  {
    title: "grab a job and complete it",
    prepare: (size) => {
      const of = queued(size)
      return {
        set: () => of.client.push(times(() => submitBackground("queued", uniqueOf(++of.counts.submitted)))),
        run: () => serve(of, batch)
      }
    }
  },
  {
    title: "join a job by its unique",
    prepare: (size) => {
      const { client } = queued(size)
      const bytes = times((at) => submitBackground("queued", uniqueOf(scattered(size, at))))
      return { run: () => client.push(bytes) }
    }
  },
  {
    title: "status of a job",
    prepare: (size) => {
      const { client } = queued(size)
      const bytes = times((at) => request(PacketType.GET_STATUS, handleOf(scattered(size, at))))
      return { run: () => client.push(bytes) }
    }
  },
  {
    title: "lose an attempt: a worker with a hundred jobs disconnects",
    prepare: (size) => {
      const { server, client } = queued(size)
      client.push(times(() => submitBackground("lost")))
      let worker = server.connect()
      return {
        set: () => {
          worker = server.connect()
          worker.push(concat([canDo("lost"), times(() => grab)]))
        },
        run: () => worker.close()
      }
    }
  },
  {
    title: "give up a job: a client with a hundred disconnects",
    prepare: (size) => {
      const { server } = queued(size)
      let client = server.connect()
      return {
        set: () => {
          client = server.connect()
          client.push(times(() => submit("queued")))
        },
        run: () => client.close()
      }
    }
  },
  {
    title: "wake a sleeping worker",
    prepare: (size) => {
      const { server, client, counts } = queued(size)
      const worker = server.connect()
      worker.push(concat([canDo("woken"), grab, sleep]))
      const one = submitBackground("woken")
      return {
        run: () => {
          for (let at = 0; at < batch; at++) {
            client.push(one)
            worker.push(grab)
            worker.push(concat([complete(++counts.submitted), grab, sleep]))
          }
        }
      }
    }
  }
]

const namesOf = (size: number) => Array.from({ length: size }, (_, at) => `function${at}`)

/** Submits, grabs and completes one job after another. */
const turnaround = (
  server: Core,
  worker: ReturnType<Core["connect"]>,
  nameOf: (at: number) => string,
  before: number
): Round => {
  const client = server.connect()
  let counter = before
  let jobs = new Array<Uint8Array>()
  return {
    set: () => (jobs = Array.from({ length: batch }, (_, at) => submitBackground(nameOf(counter + at)))),
    run: () => {
      for (const job of jobs) {
        client.push(job)
        worker.push(grab)
        worker.push(concat([complete(++counter), grab, sleep]))
      }
    }
  }
}

const besideFunctions: ReadonlyArray<Operation> = [
  {
    title: "a job of one of the functions that a worker serves",
    prepare: (size) => {
      const server = new Core()
      const worker = server.connect()
      worker.push(concat([...namesOf(size).map(canDo), grab, sleep]))
      return turnaround(server, worker, (at) => `function${scattered(size, at) - 1}`, 0)
    }
  },
  {
    title: "a job where all functions have some, and the worker serves all",
    prepare: (size) => {
      const server = new Core()
      const [client, worker] = [server.connect(), server.connect()]
      const names = namesOf(size)
      for (const name of names) client.push(concat([submitBackground(name), submitBackground(name)]))
      worker.push(concat(names.map(canDo)))
      let bytes: Uint8Array = new Uint8Array(0)
      let held = 0
      return {
        set: () => (bytes = times(() => grab)),
        run: () => worker.push(bytes),
        reset: () => {
          // What was grabbed is lost, and waits again.
          if ((held += batch) < size) return
          held = 0
          const others = names.map(canDo)
          for (const name of names) worker.push(request(PacketType.CANT_DO, name))
          for (const name of names) client.push(concat([submitBackground(name), submitBackground(name)]))
          worker.push(concat(others))
        }
      }
    }
  },
  {
    title: "a worker of all functions comes and goes, per function",
    prepare: (size) => {
      const server = new Core()
      const bytes = concat([...namesOf(size).map(canDo), grab, sleep])
      return {
        count: Math.max(batch, size),
        run: () => {
          for (let done = 0; done < batch; done += size) {
            const worker = server.connect()
            worker.push(bytes)
            worker.close()
          }
        }
      }
    }
  }
]

const besideSleepers: ReadonlyArray<Operation> = [
  {
    title: "a job of a function that no sleeper can do",
    prepare: (size) => {
      const server = new Core()
      for (let at = 0; at < size; at++) server.connect().push(concat([canDo("others"), grab, sleep]))
      const worker = server.connect()
      worker.push(concat([canDo("own"), grab, sleep]))
      return turnaround(server, worker, () => "own", 0)
    }
  },
  {
    title: "a job that wakes one sleeper of all that could do it",
    prepare: (size) => {
      const server = new Core({ workerWakeup: 1 })
      const workers = Array.from({ length: size }, () => {
        const worker = server.connect()
        worker.push(concat([canDo("shared"), grab, sleep]))
        return worker
      })
      const client = server.connect()
      const one = submitBackground("shared")
      let counter = 0
      return {
        run: () => {
          for (let at = 0; at < batch; at++) {
            const worker = workers[counter % size]!
            client.push(one)
            worker.push(grab)
            worker.push(concat([complete(++counter), grab, sleep]))
          }
        }
      }
    }
  },
  {
    title: "a sleeper disconnects, and another comes",
    prepare: (size) => {
      const server = new Core()
      const greeting = concat([canDo("shared"), grab, sleep])
      const workers = Array.from({ length: size }, () => {
        const worker = server.connect()
        worker.push(greeting)
        return worker
      })
      return {
        run: () => {
          for (let at = 0; at < batch; at++) {
            const place = scattered(size, at) - 1
            workers[place]!.close()
            const worker = server.connect()
            worker.push(greeting)
            workers[place] = worker
          }
        }
      }
    }
  },
  {
    title: "one of the callers of one job disconnects, and another comes",
    prepare: (size) => {
      const server = new Core()
      const call = request(PacketType.SUBMIT_JOB, "shared", "same", payload)
      const clients = Array.from({ length: size + 1 }, () => {
        const client = server.connect()
        client.push(call)
        return client
      })
      return {
        run: () => {
          for (let at = 0; at < batch; at++) {
            const place = scattered(size, at) - 1
            clients[place]!.close()
            const client = server.connect()
            client.push(call)
            clients[place] = client
          }
        }
      }
    }
  }
]

/** Microseconds for one operation: the median of short rounds, most of which nobody interrupts. */
const cost = (round: Round, seconds: number): number => {
  const found = new Array<number>()
  const end = performance.now() + seconds * 1000
  while (found.length < 20 || performance.now() < end) {
    round.set?.()
    const start = performance.now()
    round.run()
    found.push(((performance.now() - start) * 1000) / (round.count ?? batch))
    round.reset?.()
  }
  // The first ones warm up.
  return spread(found.slice(found.length >> 1)).median
}

const families = [
  { title: "queued jobs, each with a unique of 36 B", sizes: [1, 1_000, 1_000_000], operations: besideJobs },
  { title: "functions", sizes: [1, 100, 10_000], operations: besideFunctions },
  { title: "sleeping workers, or callers of one job", sizes: [1, 100, 10_000], operations: besideSleepers }
]

export const operations: Section = {
  name: "operations",
  what: "what an operation on the state costs beside 1 to 1,000,000 jobs, 1 to 10,000 functions and sleepers",
  method: "Medians of rounds of a hundred operations, in one process.",
  isAlone: true,
  needsNoLoad: true,
  measure: async ({ match, progress, record, scale, seconds }) => {
    const tables = new Array<Table>()
    for (const { operations, sizes, title } of families) {
      const rows = operations
        .filter((operation) => operation.title.includes(match))
        .map((operation) => {
          const costs = sizes.map((size) => {
            const scaled = Math.max(1, Math.round(size * (size === sizes.at(-1) ? scale : 1)))
            const micros = cost(operation.prepare(scaled), seconds / 3)
            record({ section: "operations", cell: operation.title, server: "ours", round: 0, size: scaled, micros })
            return micros
          })
          progress(operation.title)
          const slope = logSlope(sizes.map((size, at) => [size, costs[at]!]))
          return [operation.title, ...costs.map(number), slope.toFixed(2)]
        })
      tables.push({
        title: `Time for an operation on the server's state, without sockets, µs, by number of ${title}`,
        columns: ["operation", ...sizes.map(number), "log–log slope"],
        rows
      })
    }
    return tables
  }
}
