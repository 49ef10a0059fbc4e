/**
 * What became of every job of a soak: each is entered before it is submitted, and ends in
 * exactly one column.
 */

/** How a job ended, as its submitter or, in the background, its worker saw it. */
export type Ending = "done" | "failed as asked" | "threw as asked" | "given up" | "wrong result" | "lost"

const endings: ReadonlyArray<Ending> = ["done", "failed as asked", "threw as asked", "given up", "wrong result", "lost"]

export type Kind = "foreground" | "merged" | "background" | "delayed"

export const kinds: ReadonlyArray<Kind> = ["foreground", "merged", "background", "delayed"]

type Background = "submitted" | "accepted" | "noted" | "done" | "given up"

export class Ledger {
  /** Why jobs were lost that nobody had asked to lose. */
  readonly problems = new Map<string, number>()
  /** Background jobs that ran once more, because their worker was killed between doing and saying so. */
  repeated = 0
  private readonly columns = new Map<Kind, Map<Ending, number>>()
  private readonly submissions = new Map<Kind, number>()
  private readonly background = new Map<number, { readonly kind: Kind; state: Background }>()
  private last = 0

  get endings(): ReadonlyArray<Ending> {
    return endings
  }

  submitted(kind: Kind): number {
    return this.submissions.get(kind) ?? 0
  }

  ended(kind: Kind, ending: Ending): number {
    return this.columns.get(kind)?.get(ending) ?? 0
  }

  /** Jobs that have not ended. */
  get open(): number {
    let count = 0
    for (const kind of kinds) {
      count += this.submitted(kind) - endings.reduce((sum, ending) => sum + this.ended(kind, ending), 0)
    }
    return count
  }

  enter(kind: Kind): number {
    this.submissions.set(kind, this.submitted(kind) + 1)
    const id = ++this.last
    if (kind === "background" || kind === "delayed") this.background.set(id, { kind, state: "submitted" })
    return id
  }

  end(kind: Kind, ending: Ending): void {
    const column = this.columns.get(kind) ?? new Map<Ending, number>()
    column.set(ending, (column.get(ending) ?? 0) + 1)
    this.columns.set(kind, column)
  }

  lost(kind: Kind, problem: string): void {
    this.problems.set(problem, (this.problems.get(problem) ?? 0) + 1)
    this.end(kind, "lost")
  }

  /** The server has said that it has the job: from now on it must run. */
  accepted(id: number): void {
    const job = this.background.get(id)!
    if (job.state === "noted") this.close(job)
    else if (job.state === "submitted") job.state = "accepted"
  }

  /** Its submitter left before it heard whether the server has it: it may run, and need not. */
  givenUp(id: number): void {
    const job = this.background.get(id)!
    if (job.state === "noted") return this.close(job)
    job.state = "given up"
    this.end(job.kind, "given up")
  }

  /** A worker has done the job. */
  noted(id: number): void {
    const job = this.background.get(id)
    if (job === undefined) throw new Error(`a worker did job ${id}, which nobody submitted`)
    if (job.state === "accepted") this.close(job)
    else if (job.state === "submitted") job.state = "noted"
    else if (job.state !== "given up") this.repeated++
  }

  /** Those that are still open will not end any more. */
  closeAll(): void {
    for (const job of this.background.values()) {
      if (job.state === "accepted") this.lost(job.kind, "accepted, and never done")
      else if (job.state === "submitted" || job.state === "noted") this.lost(job.kind, "never answered")
    }
  }

  private close(job: { readonly kind: Kind; state: Background }): void {
    job.state = "done"
    this.end(job.kind, "done")
  }
}
