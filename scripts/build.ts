/**
 * `npm run build`: dist/ as it is published. Modules with their declarations, and the
 * command `effect-gearman` as one file, which starts in a fraction of the time that
 * loading its modules one by one takes and needs nothing installed beside it.
 */
import { spawnSync } from "node:child_process"
import { chmodSync, rmSync } from "node:fs"
import { join } from "node:path"
import { build } from "rolldown"

const root = join(import.meta.dirname, "..")
const command = join(root, "dist/bin/effect-gearman.js")

rmSync(join(root, "dist"), { recursive: true, force: true })

const types = spawnSync("tsc", ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" })
if (types.status !== 0) {
  process.exit(types.status ?? 1)
}

await build({
  input: join(root, "dist/runtime/main.js"),
  platform: "node",
  output: { file: command, format: "esm", banner: "#!/usr/bin/env node" }
})
chmodSync(command, 0o755)
