/**
 * The thread in which shipped functions run. Its guard started it, gives it one item
 * after the other, and ends it when an item does not end by itself.
 *
 * Loads nothing but the value format and the steps of an evaluation, so that a new
 * thread is there at once.
 */
import { parentPort } from "node:worker_threads"
import { evaluation, remoteErrorOf } from "../../protocol/map/Evaluation.ts"
import type { Ending, Failure, Task, ThreadMessage } from "./messages.ts"

const port = parentPort!
const send = (message: ThreadMessage): void => port.postMessage(message)

const failure = (kind: Failure["kind"], error: Failure["error"], position: number): Ending => ({
  failure: { kind, error, position }
})

const evaluate = async (task: Task): Promise<Ending> => {
  const progress = { position: 0 }
  try {
    const steps = evaluation(task.shipment, { worker: task.worker }, progress)
    let step = steps.next()
    while (step.done !== true) step = steps.next(await step.value)
    return step.value instanceof Uint8Array
      ? { value: step.value }
      : failure(
          "result",
          { name: "CannotTravel", message: `${step.value.path} is ${step.value.what}` },
          progress.position
        )
  } catch (thrown) {
    return failure("thrown", remoteErrorOf(thrown), progress.position)
  }
}

port.on("message", async (task: Task) => {
  const ending = await evaluate(task)
  // A rejection that nobody handles ends the thread before the next turn of the event
  // loop. Waiting for it makes it this item's failure and not the next one's.
  setImmediate(() => {
    const leftover = process.getActiveResourcesInfo().some((resource) => resource !== "MessagePort")
    send({ ending, leftover })
  })
})
send("ready")
