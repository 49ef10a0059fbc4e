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
  core.accessRules = settings.accessRules
  const count = settings.accessRules?.length
  log.write("NOTICE", `SIGHUP: ${count ?? "no"} rules for those who connect from now on`)
}
