/**
 * The process around a thread that runs shipped functions: one for each slot of a map
 * worker.
 *
 * The thread alone would not do. V8 ends the *process* when a heap is exhausted by one
 * large step, as a growing Map, a long array or JSON.parse take it, whatever limits the
 * thread was given. So each slot has a process of its own, which such an item costs,
 * and nothing else. The thread inside keeps the process able to act meanwhile: it ends
 * what runs too long or takes too much memory outside of the heap, and it notices when
 * the worker is gone and ends with it, even while the function runs in a loop.
 */
import { Worker } from "node:worker_threads"
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
  sent: boolean
  timer: NodeJS.Timeout | undefined
}

let thread: Worker
let isReady = false
let running: Running | undefined
/** Memory that the process took when the thread was new, and when its item began, in bytes. */
let threadBytes = 0
let itemBytes = 0

const send = (message: GuardMessage): void => void process.send!(message)

const finish = (ending: Ending): void => {
  clearTimeout(running?.timer)
  running = undefined
  send(ending)
}

const fail = (kind: Failure["kind"], name: string, message: string, stack?: string): void =>
  finish({ failure: { kind, position: 0, error: stack === undefined ? { name, message } : { name, message, stack } } })

const startThread = (): void => {
  isReady = false
  const started = new Worker(scriptNamed("thread"), {
    env: {},
    resourceLimits: {
      maxOldGenerationSizeMb: Math.ceil(memoryLimitMebibytes * (1 - youngShare)),
      maxYoungGenerationSizeMb: Math.ceil(memoryLimitMebibytes * youngShare)
    }
  })
  thread = started
  started.on("message", (message: ThreadMessage) => {
    if (thread !== started) return
    if (message === "ready") {
      isReady = true
      send("ready")
      threadBytes = process.memoryUsage.rss()
      give()
      return
    }
    if (message.leftover || takesTooMuch(threadBytes)) replaceThread()
    if (running !== undefined) finish(message.ending)
  })
  started.on("error", (error: Error & { readonly code?: string }) => {
    if (thread !== started) return
    if (!isReady) return cannotStart(error)
    replaceThread()
    if (running === undefined) return
    if (error.code === "ERR_WORKER_OUT_OF_MEMORY") tooMuchMemory()
    else fail("thrown", error.name, error.message, error.stack)
  })
  started.on("exit", (code) => {
    if (thread !== started) return
    startThread()
    if (running !== undefined) fail("exited", "Exit", `the function ended its thread, with exit code ${code}`)
  })
}

const cannotStart = (error: Error): void => {
  console.error(`a thread for shipped functions cannot start: ${error.message}`)
  process.exit(cannotStartExitCode)
}

/** The old thread's messages and end mean nothing any more. */
const replaceThread = (): void => {
  const old = thread
  startThread()
  void old.terminate()
}

const takesTooMuch = (beforeBytes: number): boolean =>
  process.memoryUsage.rss() - beforeBytes > memoryLimitMebibytes * mebibyte

const tooMuchMemory = (): void =>
  fail("memoryLimit", "MemoryLimit", `the function used more than ${memoryLimitMebibytes} MiB of memory`)

const give = (): void => {
  if (running === undefined || running.sent || !isReady) return
  const { task } = running
  running.sent = true
  itemBytes = process.memoryUsage.rss()
  running.timer = setTimeout(() => {
    replaceThread()
    fail("timeLimit", "TimeLimit", `the function did not finish within ${task.timeLimitMillis} ms`)
  }, task.timeLimitMillis)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  thread.postMessage(task)
}

setInterval(() => {
  if (running?.sent !== true || !takesTooMuch(itemBytes)) return
  replaceThread()
  tooMuchMemory()
}, memoryIntervalMillis)

process.on("message", (task: Task) => {
  running = { task, sent: false, timer: undefined }
  give()
})
// The worker is gone. An exit in order would wait for a thread that may be in a loop.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
// From a terminal these come to the whole group; the worker decides when its slots end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {})

startThread()
