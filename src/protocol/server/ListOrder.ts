/**
 * The order of rows in lists, which in gearmand is that of its hash tables: monitors that
 * compare two listings line by line see the same from both servers.
 *
 * @since 0.1.0
 */

const buckets = 991

/** Bob Jenkins' one-at-a-time hash over signed characters in signed 32-bit arithmetic. */
const bucketOf = (bytes: Uint8Array): number => {
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
 * By bucket of the key, and within one the newest first. The items come oldest first.
 *
 * @since 0.1.0
 * @category operations
 */
export const listed = <T>(oldestFirst: Iterable<T>, keyOf: (item: T) => Uint8Array): Array<T> =>
  Array.from(oldestFirst, (item, index) => ({ item, index, bucket: bucketOf(keyOf(item)) }))
    .sort((one, other) => one.bucket - other.bucket || other.index - one.index)
    .map((row) => row.item)
