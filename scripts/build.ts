/**
 * `npm run build`: dist/ as it is published, modules with their declarations and bundled
 * commands.
 */
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { bundle } from "./bundle.ts"

const root = join(import.meta.dirname, "..")

rmSync(join(root, "dist"), { recursive: true, force: true })

const { status } = spawnSync("tsc", ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" })
if (status !== 0) {
  process.exit(status ?? 1)
}
await bundle(["effect-gearman", "gearmand"])
