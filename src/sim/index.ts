/**
 * `effect-gearman/sim`: worlds of simulated machines, to run your own programs in.
 *
 * @since 0.1.0
 */
export * as Choice from "./Choice.ts"
export * as Kernel from "./Kernel.ts"
export * as Node from "./Node.ts"
export * as SimulatedNetwork from "./network/SimulatedNetwork.ts"
export * as World from "./World.ts"
export { type Fault, type FaultKind, faultKinds } from "./scenario/Fault.ts"
export * as Simulation from "./Simulation.ts"
