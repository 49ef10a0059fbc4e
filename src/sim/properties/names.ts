/**
 * The list of properties: their numbers, what they are called, and which are judged under others.
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
  58: "no timer, fiber or connection is left behind",
  59: "text commands tell what is so, and do what they say",
  60: "limits refuse what is over them, and nothing else",
  61: "a caller's time limit ends its wait, and not before"
}

/**
 * A property's number and name.
 *
 * @since 0.1.0
 * @category getters
 */
export const nameOfProperty = (number: number): string => `${number} ${propertyNames[number] ?? "unnamed"}`

/**
 * Properties without a check of their own number: under which numbers what breaks them is
 * told (none: it is not), and why. `docs/simulation.md` says the same to people.
 *
 * @since 0.1.0
 * @category constants
 */
export const judgedAs: { readonly [number: number]: readonly [as: ReadonlyArray<number>, why: string] } = {
  6: [[16], "a packet that a listener is not owed is unexpected, also one from before it came"],
  11: [[5, 24, 36], "every listener is owed the result, and a promised job stays one that has to be taken"],
  12: [[29], "the priority asked for is that of the job; not when it is raised while it runs"],
  28: [[23, 24], "no able sleeper beside work, whichever function it was woken for"],
  32: [[36, 45], "all that was asked is done in the end; rates of arrival are not measured"],
  34: [[33], "each choice is compared with the whole order, whoever is down"],
  39: [[8, 36], "results carry the work that they are of"],
  47: [[], "jobs are not persistent"],
  52: [
    [0, 15, 23, 36],
    "bytes are cut anywhere, and the checker decodes what was written; the decoder has tests of its own"
  ],
  54: [[0, 15, 36], "torn packets are no packets; a writer has one write for each packet"]
}
