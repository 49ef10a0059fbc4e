/**
 * A process that attacks: `attacker.ts NAME PORT`, until it is ended or nobody reads what
 * it writes any more.
 */
import { type AttackName, attacks } from "./attacks.ts"

const [name, port] = process.argv.slice(2)
process.stdin.once("end", () => process.exit(0)).resume()
void attacks[name as AttackName](Number(port))
