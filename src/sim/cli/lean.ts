/**
 * Imported before all else by the processes that run many simulations: Effect keeps Node's
 * async context whenever a fiber waits, if Node offers one. Nothing here reads it, and it
 * takes a seventh of the time of a simulation.
 *
 * @since 0.1.0
 */
const offered = process.getBuiltinModule

// A library asks for it while it is loaded, and does without where there is none.
process.getBuiltinModule = ((id: string) =>
  id === "node:async_hooks" ? undefined : offered(id)) as typeof process.getBuiltinModule
