/**
 * What the properties are called. The numbers are those of the list in `docs/simulation.md`.
 *
 * @since 0.1.0
 */

/**
 * Properties by number. 0 is for what no program may do, whatever it is for: break.
 *
 * @since 0.1.0
 * @category constants
 */
export const propertyNames: { readonly [number: number]: string } = {
  0: "no program breaks",
  1: "handles are never given twice",
  2: "one live job per unique",
  3: "no false merge",
  4: "joins a job in progress",
  5: "every listener hears everything once, in order",
  6: "no replay to who comes late",
  7: "one end per submission",
  8: "a result is its own job's",
  9: "JOB_CREATED comes first",
  10: "a new job after the end",
  11: "merging weakens nothing",
  12: "a merged job gains priority",
  13: "one owner at a time",
  14: "only to who can do it",
  15: "one answer per question",
  16: "only the owner reports",
  17: "a lost worker's job is put back",
  18: "attempts are limited",
  19: "an attempt's time is its own",
  20: "abilities concern future jobs only",
  21: "a reconnected worker says what it can do",
  22: "no more jobs than slots",
  23: "no sleeper beside work",
  24: "waiting jobs are taken",
  25: "one NOOP per sleep, with a reason",
  26: "no job is lost between NO_JOB and PRE_SLEEP",
  27: "a scheduled job runs at its time",
  28: "no NOOP strands another function",
  29: "high before normal before low",
  30: "first in, first out",
  31: "functions of one worker take turns",
  32: "low priority is not starved",
  33: "clients agree on the server",
  34: "losing a server moves only its keys",
  35: "failover goes by the order",
  36: "every caller gets exactly one end",
  37: "callers see no trouble that another server hides",
  38: "nothing runs more often than losses explain",
  39: "an old connection's reply ends nothing new",
  40: "interruption touches nobody else",
  41: "failover takes bounded time",
  42: "reconnecting is not hurried",
  43: "a healed server is used again",
  44: "background jobs tell nobody",
  45: "an accepted background job ends",
  46: "status tells what is so",
  47: "accepted jobs survive a restart",
  48: "a map's results are in order",
  49: "a map's results are complete",
  50: "a map stays within its window",
  51: "a slow item holds up nobody",
  52: "packets are found however bytes are cut",
  53: "packets are well formed",
  54: "packets are not interleaved",
  55: "what is too large is refused",
  56: "servers and clients forget who left",
  57: "memory stays bounded",
  58: "no timer, fiber or connection is left behind"
}

/**
 * A property's number and name.
 *
 * @since 0.1.0
 * @category getters
 */
export const nameOfProperty = (number: number): string => `${number} ${propertyNames[number] ?? "unnamed"}`
