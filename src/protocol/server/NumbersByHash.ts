/**
 * Job numbers by 32-bit hash. A `Map` of a million entries moves all of them when it has
 * doubled, and the garbage collector goes through them again and again. Here they are in
 * typed arrays, which it does not look into, and in many small tables, of which one at a
 * time moves.
 *
 * @since 0.1.0
 */

const shardBits = 8
const firstCapacity = 16

/** One small table: open addressing, one probe after another. A number of 0 is a free place. */
class Shard {
  count = 0
  private hashes = new Int32Array(firstCapacity)
  private numbers = new Float64Array(firstCapacity)

  get(hash: number): number {
    return this.numbers[this.placeOf(hash)]!
  }

  /** False if that hash has a number. */
  add(hash: number, number: number): boolean {
    const place = this.placeOf(hash)
    if (this.numbers[place] !== 0) return false
    this.hashes[place] = hash
    this.numbers[place] = number
    // Three quarters full: probes get long from there.
    if (++this.count * 4 > this.numbers.length * 3) this.move(this.numbers.length * 2)
    return true
  }

  delete(hash: number): boolean {
    const { hashes, numbers } = this
    const mask = numbers.length - 1
    let gap = this.placeOf(hash)
    if (numbers[gap] === 0) return false
    // Those after it move up, as long as that brings them nearer to where they are looked for first.
    for (let at = (gap + 1) & mask; numbers[at] !== 0; at = (at + 1) & mask) {
      if (((at - homeOf(hashes[at]!)) & mask) < ((at - gap) & mask)) continue
      hashes[gap] = hashes[at]!
      numbers[gap] = numbers[at]!
      gap = at
    }
    numbers[gap] = 0
    this.count--
    if (this.count * 8 < numbers.length && numbers.length > firstCapacity) this.move(numbers.length / 2)
    return true
  }

  /** Where the hash is, or would be. */
  private placeOf(hash: number): number {
    const { hashes, numbers } = this
    const mask = numbers.length - 1
    let at = homeOf(hash) & mask
    while (numbers[at] !== 0 && hashes[at] !== hash) at = (at + 1) & mask
    return at
  }

  private move(capacity: number): void {
    const { hashes, numbers } = this
    this.hashes = new Int32Array(capacity)
    this.numbers = new Float64Array(capacity)
    for (let at = 0; at < numbers.length; at++) {
      if (numbers[at] === 0) continue
      const place = this.placeOf(hashes[at]!)
      this.hashes[place] = hashes[at]!
      this.numbers[place] = numbers[at]!
    }
  }
}

// The other bits say which table.
const homeOf = (hash: number): number => hash >>> shardBits

/**
 * The tables.
 *
 * @since 0.1.0
 * @category models
 */
export class NumbersByHash {
  size = 0
  private readonly shards: Array<Shard | undefined> = new Array<Shard | undefined>(1 << shardBits).fill(undefined)

  /** The number, or 0. */
  get(hash: number): number {
    return this.shards[hash & ((1 << shardBits) - 1)]?.get(hash) ?? 0
  }

  /** Takes the number, which is not 0; or gives false when that hash has one. */
  add(hash: number, number: number): boolean {
    const shard = (this.shards[hash & ((1 << shardBits) - 1)] ??= new Shard())
    if (!shard.add(hash, number)) return false
    this.size++
    return true
  }

  delete(hash: number): void {
    if (this.shards[hash & ((1 << shardBits) - 1)]?.delete(hash) === true) this.size--
  }
}
