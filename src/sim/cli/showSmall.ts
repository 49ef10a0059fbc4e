/**
 * A failure made as small as it gets within some seconds, written to a file that replays it,
 * and shown: whoever reads it sees what it takes.
 *
 * @since 0.1.0
 */
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { choiceCount, type Finding, fromOutcome, replay, toFile } from "../explore/Finding.ts"
import { shrink } from "../explore/shrink.ts"
import { packetCount } from "../explore/trace.ts"
import type { Outcome } from "../scenario/run.ts"
import { exitCodeOf, print, showFailure } from "./show.ts"

/**
 * Writes the small run, and shows nothing.
 *
 * @since 0.1.0
 * @category running
 */
export const saveSmall = (failed: Outcome, file: string): Finding => {
  const finding = isSteady(failed) ? shrink(fromOutcome(failed)) : fromOutcome(failed)
  writeFileSync(file, toFile(finding))
  return finding
}

/** Two runs that differ, and what leaks in now and then, do not replay. */
const isSteady = ({ failure }: Outcome) => exitCodeOf(failure) !== 3

/**
 * Gives the small run, or the one that failed where there is none.
 *
 * @since 0.1.0
 * @category running
 */
export const showSmall = (failed: Outcome, again: string, save: string | undefined): Outcome => {
  if (save === undefined && !isSteady(failed)) {
    showFailure(failed, again, { everything: false })
    return failed
  }
  const file = save ?? join(mkdtempSync(join(tmpdir(), "simulation-")), `seed-${failed.scenario.seed}.json`)
  const finding = saveSmall(failed, file)
  const small = replay(finding, { keepHistory: true })
  const isShown = small.failure !== undefined
  showFailure(isShown ? small : failed, isShown ? `npm run sim -- --replay ${file}` : again, { everything: false })
  print(`${packetCount(small.moments)} packets, ${choiceCount(finding.choices)} choices not dull; all of it: ${again}`)
  return isShown ? small : failed
}
