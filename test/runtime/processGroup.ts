/** Programs started in a process group of their own, and who is left in it. */
import { type ChildProcess, spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** The ids of the processes in a group, zombies left out. */
export const membersOf = (group: number): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        // After the program's name, which may hold anything: state, parent, group.
        const [state, , of] = readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ")
        return state !== "Z" && Number(of) === group
      } catch {
        // It has ended meanwhile.
        return false
      }
    })
    .map(Number)

/** A program that leads a group; whatever is left of the group is killed when the test process ends. */
export const startGroup = (
  script: string,
  args: ReadonlyArray<string> = []
): ChildProcess & { readonly pid: number } => {
  const leader = spawn(process.execPath, [script, ...args], { detached: true, stdio: ["ignore", "pipe", "pipe"] })
  const { pid } = leader
  if (pid === undefined) throw new Error(`${script} cannot be started`)
  process.once("exit", () => membersOf(pid).forEach((member) => process.kill(member, "SIGKILL")))
  return Object.assign(leader, { pid })
}
