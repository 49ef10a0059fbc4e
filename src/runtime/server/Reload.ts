/**
 * What SIGHUP changes beside the log and the certificates: the rules of access.
 */
import type * as JobServer from "../../protocol/JobServer.ts"
import type * as Log from "./Log.ts"
import * as Parse from "./parse.ts"
import type { Settings } from "./Settings.ts"

/** Rules that stand in the configuration file may change while the server runs; all else may not. */
export const readRulesAgain = (server: JobServer.Running, log: Log.Log, read: () => Settings | Parse.Refusal): void => {
  const settings = read()
  if (Parse.isRefusal(settings)) {
    for (const error of settings.errors) log.write("ERROR", `SIGHUP: the rules have not changed: ${error}`)
    return
  }
  const { core } = server
  if (JSON.stringify(settings.accessRules) === JSON.stringify(core.accessRules)) return
  // A file that is being written, or lost its last rule, must not open the server to everybody.
  if (settings.accessRules === undefined) {
    const text = "there is none left, which would open the server to everybody; if that is meant, start it again"
    return log.write("ERROR", `SIGHUP: the rules have not changed: ${text}`)
  }
  core.accessRules = settings.accessRules
  log.write("NOTICE", `SIGHUP: ${settings.accessRules.length} rules for those who connect from now on`)
}
