/**
 * The worker processes of a soak: killed, frozen and asked to leave at random moments,
 * and replaced.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"

const program = join(import.meta.dirname, "worker.ts")

export class Workers {
  readonly killed = { SIGKILL: 0, SIGTERM: 0, SIGSTOP: 0 }
  private readonly server: string
  private readonly onNote: (id: number) => void
  private readonly children = new Set<ChildProcess>()

  constructor(server: string, onNote: (id: number) => void) {
    this.server = server
    this.onNote = onNote
    process.on("exit", () => this.children.forEach((child) => child.kill("SIGKILL")))
  }

  start(): void {
    const child = spawn(process.execPath, [program, this.server], { stdio: ["ignore", "pipe", "inherit"] })
    this.children.add(child)
    createInterface({ input: child.stdout }).on("line", (line) => {
      // The rest is its log, which tells of the exceptions that were asked for.
      const [, id] = /^done (\d+)$/.exec(line) ?? []
      if (id !== undefined) this.onNote(Number(id))
    })
  }

  /** One trouble for one worker, and a new one where it is gone. */
  async trouble(): Promise<void> {
    const victims = [...this.children]
    const victim = victims[Math.floor(Math.random() * victims.length)]!
    const draw = Math.random()
    const signal = draw < 0.6 ? "SIGKILL" : draw < 0.8 ? "SIGTERM" : "SIGSTOP"
    this.killed[signal]++
    if (signal === "SIGSTOP") {
      victim.kill("SIGSTOP")
      await sleep(2_000)
      victim.kill("SIGCONT")
      return
    }
    await this.end(victim, signal)
    this.start()
  }

  async stop(): Promise<void> {
    await Promise.all(Array.from(this.children, (child) => this.end(child, "SIGTERM")))
  }

  /** Ends a worker, and waits until all it has printed is read. */
  private async end(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const closed = once(child, "close")
    child.kill(signal)
    const patience = setTimeout(() => child.kill("SIGKILL"), 15_000)
    await closed
    clearTimeout(patience)
    this.children.delete(child)
  }
}
