/**
 * Work that is done once for all the bytes which Node's loop hands over in one turn. On a
 * busy server one write then carries what several connections have said to one, and
 * writes are what a job costs most: with 100 jobs outstanding this saves a third of them.
 * What that work leaves for later is done when a further turn has brought nothing.
 *
 * Work is told when a turn has brought so much that another is likely to follow at once: then
 * it may leave for later what nobody hurries for.
 */

/** So much may be handed over before the work is done all the same: nobody waits long, and little piles up. */
const maxBytes = 256 * 1024
/** On a server that is never quiet, what was left for later waits no longer than this. */
const maxRestlessMillis = 1

/** Reads of one turn from which on the next is likely to bring more. */
const busyReads = 4

type Later = () => void
/** May return what is left for later. */
export type Work = (isBusy: boolean) => Later | undefined
type OnDefect = (defect: unknown) => void

let handedOver = 0
let reads = 0
/** What is to be done, and who is told when it fails: the connection that asked for it first. */
const due = new Map<Work, OnDefect>()
const left = new Map<Later, OnDefect>()
let leftSinceMillis = 0

const performDue = (isBusy: boolean): void => {
  handedOver = 0
  reads = 0
  for (const [work, onDefect] of due) {
    due.delete(work)
    perform(work, isBusy, onDefect)
  }
}

/** Does now what is due at the end of the turn, and leaves nothing that need not be left. */
export const settle = (): void => performDue(false)

const endTurn = (): void => performDue(reads >= busyReads)

/** Works at once; what is left for later is seen to. */
const perform = (work: Work, isBusy: boolean, onDefect: OnDefect): void => {
  try {
    const later = work(isBusy)
    if (later === undefined || left.has(later)) return
    if (left.size === 0) {
      leftSinceMillis = performance.now()
      setImmediate(runWhenQuiet)
    }
    left.set(later, onDefect)
  } catch (defect) {
    onDefect(defect)
  }
}

// An immediate that was asked for by one waits for the next turn.
const runWhenQuiet = () => {
  // What has come now may be just what was waited for, or cause more to come.
  if (due.size > 0 && performance.now() - leftSinceMillis < maxRestlessMillis) {
    setImmediate(runWhenQuiet)
    return
  }
  for (const [work, onDefect] of left) {
    left.delete(work)
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
export const atEnd = (work: Work, bytes: number, onDefect: OnDefect): void => {
  // Immediates run when all sockets that were ready have been read, before the loop waits.
  if (due.size === 0) setImmediate(endTurn)
  if (!due.has(work)) due.set(work, onDefect)
  handedOver += bytes
  reads++
  if (handedOver >= maxBytes) settle()
}
