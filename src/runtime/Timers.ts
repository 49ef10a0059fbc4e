/**
 * How long Node's timers can wait.
 */

/** About 25 days: where 32 bits end, beyond which a timer fires at once. */
export const longestMillis = 2 ** 31 - 1

/** The time, or the longest there is. */
export const asTimer = (millis: number): number => Math.min(longestMillis, millis)
