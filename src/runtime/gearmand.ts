/**
 * What stands in for gearmand: `bin/gearmand` runs this with gearmand's own arguments.
 */
import { main } from "./server/main.ts"
import { version } from "./version.ts"

await main(process.argv.slice(2), { name: "gearmand", version, isStandIn: true })
