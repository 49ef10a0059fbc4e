/**
 * Which parts of a module a test file has not reached, as V8 counts them: functions and
 * branches, by their source text. For the few modules where each branch matters.
 */
import { Session } from "node:inspector/promises"

export interface Coverage {
  /** What was not reached since `begin`, each as the beginning of its text. */
  readonly unreached: (module: string) => Promise<ReadonlyArray<string>>
}

export const begin = async (): Promise<Coverage> => {
  const session = new Session()
  session.connect()
  await session.post("Profiler.enable")
  await session.post("Debugger.enable")
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true })
  return {
    unreached: async (module) => {
      const { result } = await session.post("Profiler.takePreciseCoverage")
      const script = result.find(({ url }) => url.endsWith(module))
      if (script === undefined) throw new Error(`${module} was not loaded`)
      const { scriptSource } = await session.post("Debugger.getScriptSource", { scriptId: script.scriptId })
      await session.post("Profiler.stopPreciseCoverage")
      session.disconnect()
      return script.functions.flatMap(({ functionName, ranges }) =>
        ranges
          // The module's own code ran before counting began, and has no name.
          .filter(({ count }) => count === 0 && functionName !== "")
          .map(
            ({ endOffset, startOffset }) =>
              `${functionName}: ${scriptSource.slice(startOffset, endOffset).slice(0, 200)}`
          )
      )
    }
  }
}
