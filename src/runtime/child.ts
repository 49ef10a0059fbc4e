/**
 * Runs a command of `effect-gearman` for as long as standard input is open: whoever
 * starts it that way leaves no process behind, even when killed.
 */
import { exit, stdin } from "node:process"

stdin.once("end", () => exit(0))
stdin.resume()
await import("./main.ts")
