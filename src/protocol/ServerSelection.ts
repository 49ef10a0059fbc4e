/**
 * Which job server a submission goes to: an order of all servers, of which the first
 * that is alive takes it. Clients that agree on the servers and the selection send equal
 * requests to the same server, which is what lets it merge them.
 *
 * @since 0.1.0
 */

/**
 * An order of servers for a request.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerSelection {
  /** For the servers of one client, as `host:port`, prepares the choice. */
  readonly prepare: (servers: ReadonlyArray<string>) => (request: Request) => ReadonlyArray<number>
}

/**
 * What a choice depends on. Texts carry one byte per character (latin-1).
 *
 * @since 0.1.0
 * @category models
 */
export interface Request {
  readonly function: string
  /** The unique; for `-` the workload. Never empty: a request without is spread. */
  readonly unique: string
}
