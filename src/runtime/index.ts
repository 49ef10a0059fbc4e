/**
 * `effect-gearman/node`: the layers that run the programs on Node.
 *
 * @since 0.1.0
 */
export * as NodeNetwork from "./NodeNetwork.ts"
