/**
 * How far the job server is from what moving the bytes costs at all, on the same Node.
 */
import type { Section } from "../support/Section.ts"
import { start } from "../support/servers.ts"
import { cells, measureCells, tableOf } from "./grid.ts"

export const floor: Section = {
  name: "floor",
  what: "CPU per job beside a raw Node socket server that moves the same messages",
  measure: async (context) => {
    const ours = context.servers.find(({ name }) => name === "ours")!
    const raw = await start("floor")
    const servers = [ours, raw]
    const foreground = cells.filter(({ load }) => load.mode === "foreground")
    const results = await measureCells("floor", foreground, { ...context, servers })
    await raw.stop()
    return [tableOf("Server CPU per job beside raw sockets, µs", servers, results, "cpu")]
  }
}
