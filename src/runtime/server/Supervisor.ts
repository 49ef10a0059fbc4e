/**
 * Telling systemd that the server is ready, alive and stopping, where it wants to know
 * (`Type=notify`). The messages go through systemd's own tool, since Node has no datagram
 * sockets; the unit needs `NotifyAccess=all`.
 */
import * as ChildProcess from "node:child_process"

/** The service manager, or nobody. */
export interface Supervisor {
  readonly ready: (text: string) => void
  readonly stopping: () => void
}

const nobody: Supervisor = { ready: () => {}, stopping: () => {} }

/** Finds the service manager by the variables it sets; `onFailing` is told once why it cannot be told anything. */
export const find = (onFailing: (problem: string) => void, environment = process.env): Supervisor => {
  if (environment["NOTIFY_SOCKET"] === undefined) return nobody
  let isFailing = false
  // By the protocol's own words: older tools have no options for all of them.
  const tell = (...words: ReadonlyArray<string>) => {
    const child = ChildProcess.spawn("systemd-notify", [`--pid=${process.pid}`, ...words], { stdio: "ignore" })
    // Without the tool, or the manager, serving goes on.
    child.on("error", ({ message }) => {
      if (!isFailing) onFailing(`cannot tell the service manager: ${message}`)
      isFailing = true
    })
    child.unref()
  }
  const watchdogMillis = Number(environment["WATCHDOG_USEC"] ?? 0) / 1_000
  return {
    ready: (text) => {
      tell("READY=1", `STATUS=${text}`)
      // Sent by the event loop that serves: one that hangs is noticed and restarted.
      if (watchdogMillis > 0) setInterval(() => tell("WATCHDOG=1"), watchdogMillis / 2).unref()
    },
    stopping: () => tell("STOPPING=1")
  }
}
