/**
 * The order of rows in lists, which in gearmand is that of its hash tables: monitors that
 * compare two listings line by line see the same from both servers.
 *
 * @since 0.1.0
 */

const buckets = 991

/**
 * gearmand's bucket of a name: Bob Jenkins' one-at-a-time hash over signed characters in
 * signed 32-bit arithmetic.
 *
 * @since 0.1.0
 * @category operations
 */
export const bucketOf = (bytes: Uint8Array): number => {
  let value = 0
  for (const byte of bytes) {
    value = (value + ((byte << 24) >> 24)) | 0
    value = (value + (value << 10)) | 0
    value ^= value >> 6
  }
  value = (value + (value << 3)) | 0
  value ^= value >> 11
  value = (value + (value << 15)) | 0
  return (value === 0 ? 1 : value >>> 0) % buckets
}

/**
 * What to list, by bucket, and within one the newest first; `undefined` after each step of
 * the sorting, so that whoever pulls may stop there. Items come oldest first; of those that
 * are added meanwhile no more are looked at than there were in all when it began.
 *
 * @since 0.1.0
 * @category operations
 */
export function* inOrder<T, Key>(
  oldestFirst: Iterable<T>,
  count: number,
  bucketOf: (item: T) => number,
  keyOf: (item: T) => Key
): Generator<Key | undefined, void> {
  const found = new Map<number, Array<Key>>()
  let left = count
  for (const item of oldestFirst) {
    if (left-- === 0) break
    const bucket = bucketOf(item)
    const keys = found.get(bucket)
    if (keys === undefined) found.set(bucket, [keyOf(item)])
    else keys.push(keyOf(item))
    yield undefined
  }
  for (const bucket of Array.from(found.keys()).sort((one, other) => one - other)) {
    const keys = found.get(bucket)!
    for (let index = keys.length - 1; index >= 0; index--) yield keys[index]
  }
}
