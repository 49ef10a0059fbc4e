/** How much of the server's heap is alive, looked at a few times in a soak. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const looks = 10

export interface LiveSample {
  readonly minute: number
  readonly bytes: number
}

export class Live {
  readonly samples: Array<LiveSample> = []
  private readonly minutes: number
  private readonly folder = mkdtempSync(join(tmpdir(), "effect-gearman-soak-"))
  private readonly file = join(this.folder, "live")

  constructor(minutes: number) {
    this.minutes = minutes
    writeFileSync(this.file, "")
    process.on("exit", () => rmSync(this.folder, { recursive: true, force: true }))
  }

  /** What makes the server answer, added to what it is deployed with. */
  environment(deployed: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    const more = `--expose-gc --import=${join(import.meta.dirname, "collect.ts")}`
    return { ...deployed, NODE_OPTIONS: `${deployed["NODE_OPTIONS"] ?? ""} ${more}`, SOAK_LIVE_FILE: this.file }
  }

  /** Looks, where it is time to. */
  async look(pid: number, minute: number): Promise<void> {
    if (this.samples.length === looks || minute < ((this.samples.length + 1) * this.minutes) / (looks + 1)) return
    process.kill(pid, "SIGUSR2")
    for (let patience = 400; patience > 0; patience--) {
      await sleep(50)
      const lines = readFileSync(this.file, "utf8").split("\n").slice(0, -1)
      if (lines.length > this.samples.length) return void this.samples.push({ minute, bytes: Number(lines.at(-1)) })
    }
    throw new Error("the server does not say how much of its heap is alive")
  }
}
