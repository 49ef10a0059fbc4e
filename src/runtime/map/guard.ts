/**
 * The process around a thread that runs shipped functions: one for each slot of a map
 * worker.
 *
 * The thread alone would not do. V8 ends the *process* when a heap is exhausted by one
 * large step, as a growing Map, a long array or JSON.parse take it, whatever limits the
 * thread was given. So each slot has a process of its own, which such an item costs,
 * and nothing else. The thread inside keeps the process able to act meanwhile: it tells
 * when a function runs too long or takes too much memory outside of the heap, upon which
 * the worker ends the process; and it notices when the worker is gone and ends with it,
 * even while the function runs in a loop.
 */
import { Worker } from "node:worker_threads"
import { remoteErrorOf } from "../../protocol/map/Evaluation.ts"
import {
  cannotStartExitCode,
  type Ending,
  type Failure,
  type GuardMessage,
  memoryLimitVariable,
  type Task,
  type ThreadMessage
} from "./messages.ts"
import { scriptNamed } from "./scripts.ts"

const memoryLimitMebibytes = Number(process.env[memoryLimitVariable])
/** How often memory outside of the heap, as typed arrays take it, is looked at. */
const memoryIntervalMillis = 20
const mebibyte = 2 ** 20
/** Of the heap's limit, what its young generation may take. */
const youngShare = 0.25

interface Running {
  readonly task: Task
  isSent: boolean
  timeLimit?: NodeJS.Timeout
  memoryWatch?: NodeJS.Timeout
}

let thread: Worker
let isReady = false
let running: Running | undefined
/** Memory that the process took when the thread was new, and when its item began, in bytes. */
let threadBytes = 0
let itemBytes = 0

const send = (message: GuardMessage): void => void process.send!(message)

const finish = (ending: Ending): void => {
  clearTimeout(running?.timeLimit)
  clearInterval(running?.memoryWatch)
  running = undefined
  send(ending)
}

const fail = (kind: Failure["kind"], error: Failure["error"]): void => finish({ failure: { kind, error, position: 0 } })

const startThread = (): void => {
  isReady = false
  let thrown: (Error & { readonly code?: string }) | undefined
  thread = new Worker(scriptNamed("thread"), {
    env: {},
    resourceLimits: {
      maxOldGenerationSizeMb: Math.ceil(memoryLimitMebibytes * (1 - youngShare)),
      maxYoungGenerationSizeMb: Math.ceil(memoryLimitMebibytes * youngShare)
    }
  })
  thread.on("message", (message: ThreadMessage) => {
    if (message === "ready") {
      isReady = true
      threadBytes = process.memoryUsage.rss()
      send("ready")
      give()
      return
    }
    if (message.leftover || takesTooMuch(threadBytes)) {
      isReady = false
      void thread.terminate()
    }
    finish(message.ending)
  })
  thread.on("error", (error) => {
    if (!isReady) cannotStart(error)
    thrown = error
  })
  thread.on("exit", (code) => {
    // A next item may be waiting already, which this thread never got.
    const isCost = running?.isSent === true
    startThread()
    if (isCost) failFor(thrown, code)
  })
}

const failFor = (thrown: (Error & { readonly code?: string }) | undefined, exitCode: number): void => {
  if (thrown === undefined) {
    fail("exited", { name: "Exit", message: `the function ended its thread, with exit code ${exitCode}` })
  } else if (thrown.code === "ERR_WORKER_OUT_OF_MEMORY") {
    tooMuchMemory()
  } else {
    fail("thrown", remoteErrorOf(thrown))
  }
}

const cannotStart = (error: Error): void => {
  console.error(`a thread for shipped functions cannot start: ${error.message}`)
  process.exit(cannotStartExitCode)
}

const takesTooMuch = (beforeBytes: number): boolean =>
  process.memoryUsage.rss() - beforeBytes > memoryLimitMebibytes * mebibyte

const tooMuchMemory = (): void =>
  fail("memoryLimit", {
    name: "MemoryLimit",
    message: `the function used more than ${memoryLimitMebibytes} MiB of memory`
  })

/** Gives the item to the thread, when both are there. */
const give = (): void => {
  if (running === undefined || !isReady) return
  const { task } = running
  running.isSent = true
  itemBytes = process.memoryUsage.rss()
  running.memoryWatch = setInterval(() => {
    if (takesTooMuch(itemBytes)) tooMuchMemory()
  }, memoryIntervalMillis)
  running.timeLimit = setTimeout(
    () =>
      fail("timeLimit", {
        name: "TimeLimit",
        message: `the function did not finish within ${task.timeLimitMillis} ms`
      }),
    task.timeLimitMillis
  )
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  thread.postMessage(task)
}

process.on("message", (task: Task) => {
  running = { task, isSent: false }
  give()
})
// The worker is gone. An exit in order would wait for a thread that may be in a loop.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
// From a terminal these come to the whole group; the worker decides when its slots end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {})

startThread()
