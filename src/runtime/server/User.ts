/**
 * Becoming another user, as `--user` asks: once the port is bound, for good.
 */
import * as Effect from "effect/Effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import { StartError } from "./StartError.ts"

interface Account {
  readonly uid: number
  readonly gid: number
}

/** Most users are in the file; the others (LDAP and such) are known to `id`. */
export const find = (user: string): Account | undefined => {
  const lines = Fs.existsSync("/etc/passwd") ? Fs.readFileSync("/etc/passwd", "utf8").split("\n") : []
  for (const line of lines) {
    const [name, , uid, gid] = line.split(":")
    if (name === user || uid === user) return { uid: Number(uid), gid: Number(gid) }
  }
  const id = (letter: string) => ChildProcess.spawnSync("id", [letter, user], { encoding: "utf8" })
  const uid = id("-u")
  return uid.status === 0 ? { uid: Number(uid.stdout), gid: Number(id("-g").stdout) } : undefined
}

/** Node has it; its types do not. */
interface WithGroups {
  readonly initgroups: (user: string, group: number) => void
}

const change = (user: string, account: Account): void => {
  const self = process as unknown as WithGroups
  self.initgroups(user, account.gid)
  process.setgid!(account.gid)
  process.setuid!(account.uid)
}

/** Becomes the user, or fails with what a person can do about it. */
export const become = Effect.fnUntraced(function* (user: string) {
  const account = find(user)
  if (account === undefined) {
    return yield* new StartError({ problem: `there is no user ${user} to become; correct --user` })
  }
  if (process.getuid!() === account.uid) return
  if (process.getuid!() !== 0) {
    return yield* new StartError({ problem: `only root can become ${user}; start as root or leave out --user` })
  }
  yield* Effect.try({
    try: () => change(user, account),
    catch: (cause) => new StartError({ problem: `cannot become ${user}: ${(cause as Error).message}`, cause })
  })
})
