/**
 * Loaded into the job server of a soak, and nowhere else: on SIGUSR2 everything that
 * nobody uses any more is collected, and a line says what is left. What a heap has in use
 * between collections swings too much to tell a leak from none.
 */
import { appendFileSync } from "node:fs"

const { gc } = globalThis as { readonly gc?: () => void }

process.on("SIGUSR2", () => {
  // What finalizers let go of is gone with the second.
  gc!()
  gc!()
  appendFileSync(process.env["SOAK_LIVE_FILE"]!, `${process.memoryUsage().heapUsed}\n`)
})
