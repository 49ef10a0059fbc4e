/**
 * What our server says to a submission while it drains, and our client takes as a wish to be
 * asked elsewhere: nothing was queued, so nothing is lost and nothing can run twice.
 */

/** The code of the ERROR. */
export const shuttingDownCode = "SHUTTING_DOWN"
