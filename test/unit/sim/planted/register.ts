/** Loaded before a program, plants the bug or mistake that the environment names. */
import { registerHooks } from "node:module"
import { mutants } from "../../../../src/sim/mutants/index.ts"
import { plant } from "../../../../src/sim/mutants/Mutant.ts"
import { mistakes } from "./mistakes.ts"

const planted = [...mutants, ...mistakes].find(({ id }) => id === process.env["PLANTED"])
if (planted === undefined) throw new Error(`there is nothing to plant: ${process.env["PLANTED"]}`)

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (!url.endsWith(`/${planted.file}`)) return loaded
    const { source } = loaded
    const text = typeof source === "string" ? source : new TextDecoder().decode(source as Uint8Array)
    const changed = plant(planted, text)
    if (changed instanceof Error) throw changed
    return { ...loaded, source: changed }
  }
})
