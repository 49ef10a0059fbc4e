/**
 * The same as `client.ts` by the door for programs without Effect.
 */
import { connect } from "../../src/promise/index.ts"

const [port, name, count] = process.argv.slice(2)
const batch = Array.from({ length: Number(count) })
const client = connect({ servers: [`127.0.0.1:${port}`] })
let done = 0
let told = performance.now()

while (true) {
  await Promise.all(batch.map(() => client.run(name!, "123456789")))
  done += batch.length
  if (performance.now() - told < 20) continue
  told = performance.now()
  process.stdout.write(`${done}\n`)
}
