/**
 * Whether the process may have as many descriptors as it is to hold connections. Node has
 * raised its limit as far as it can by itself.
 */
import * as Fs from "node:fs"
import type * as Log from "./Log.ts"
import type { Settings } from "./Settings.ts"

/** What the process has open beside its connections: files, listeners, monitors. */
const own = 64

/** How many it may have; nothing where there is no limit. Only Linux tells. */
const limit = (): number | undefined => {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(Fs.readFileSync("/proc/self/limits", "utf8")) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

/** Who asked for that many connections believes to have them; the default is more than most systems give. */
export const tellIfTooFew = (settings: Settings, log: Log.Log): void => {
  const most = limit()
  if (most === undefined || most >= settings.maxConnections + own) return
  log.write(
    settings.isMaxConnectionsChosen ? "WARNING" : "INFO",
    `this process may have ${most} descriptors, and --max-connections is ${settings.maxConnections}: beyond about ` +
      `${Math.max(0, most - own)} connections it takes no more. Raise the limit (LimitNOFILE= in the unit, ulimit -Hn elsewhere), or ask for less`
  )
}
