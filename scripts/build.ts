/**
 * `npm run build`: dist/ as it is published. Modules with their declarations, and in
 * dist/bin the commands, bundled: they start in a fraction of the time that loading their
 * modules one by one takes, and need nothing installed beside them.
 */
import { spawnSync } from "node:child_process"
import { chmodSync, rmSync } from "node:fs"
import { join } from "node:path"
import { build } from "rolldown"

const root = join(import.meta.dirname, "..")
const dist = join(root, "dist")
const commands = { "effect-gearman": "runtime/main.js", gearmand: "runtime/gearmand.js" }

rmSync(dist, { recursive: true, force: true })

const types = spawnSync("tsc", ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" })
if (types.status !== 0) {
  process.exit(types.status ?? 1)
}

await build({
  input: Object.fromEntries(Object.entries(commands).map(([name, module]) => [name, join(dist, module)])),
  platform: "node",
  logLevel: "warn",
  output: { dir: join(dist, "bin"), format: "esm", banner: (chunk) => (chunk.isEntry ? "#!/usr/bin/env node" : "") }
})
for (const name of Object.keys(commands)) {
  chmodSync(join(dist, "bin", `${name}.js`), 0o755)
}
