/**
 * `effect-gearman/node`: the layers that run the programs on Node.
 *
 * @since 0.1.0
 */
export * as MapSandbox from "./map/MapSandbox.ts"
export * as NodeNetwork from "./NodeNetwork.ts"
