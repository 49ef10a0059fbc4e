/**
 * `effect-gearman`: what programs in every world are made of. Each module is also
 * there by itself, as `effect-gearman/<Module>`.
 *
 * @since 0.1.0
 */
export * as Client from "./Client.ts"
export * as Codec from "./Codec.ts"
export * as DistributedMap from "./DistributedMap.ts"
export * as GearmanError from "./GearmanError.ts"
export * as JobContext from "./JobContext.ts"
export * as JobFunction from "./JobFunction.ts"
export * as JobServer from "./JobServer.ts"
export * as MemoryNetwork from "./MemoryNetwork.ts"
export * as Network from "./Network.ts"
export * as Packet from "./Packet.ts"
export * as ServerSelection from "./ServerSelection.ts"
export * as Worker from "./Worker.ts"
