/**
 * Bundles commands into a folder, dist/bin by itself: they start in a fraction of the time that loading their
 * modules one by one takes, and need nothing installed beside them. By itself it bundles
 * the stand-in for gearmand, which `npm ci` leaves ready, since some start it in a row.
 */
import { chmodSync } from "node:fs"
import { join } from "node:path"
import { build } from "rolldown"

const root = join(import.meta.dirname, "..")
const sources = { "effect-gearman": "src/runtime/main.ts", gearmand: "src/runtime/gearmand.ts" }

export type Command = keyof typeof sources

export const bundle = async (
  commands: ReadonlyArray<Command>,
  folder: string = join(root, "dist/bin")
): Promise<void> => {
  await build({
    input: Object.fromEntries(commands.map((name) => [name, join(root, sources[name])])),
    platform: "node",
    logLevel: "warn",
    output: {
      dir: folder,
      format: "esm",
      minify: true,
      banner: (chunk) => (chunk.isEntry ? "#!/usr/bin/env node" : "")
    }
  })
  for (const name of commands) {
    chmodSync(join(folder, `${name}.js`), 0o755)
  }
}

if (import.meta.main) {
  await bundle(["gearmand"])
}
