/**
 * Numbers that someone gave as options.
 */

/** The value, where something can be counted with it. Throws what then is a defect: the program itself is wrong. */
export const count = (option: string, value: number, least = 1): number => {
  if (Number.isInteger(value) && value >= least) return value
  throw new RangeError(`${option} is ${value}; it must be a whole number of at least ${least}`)
}
