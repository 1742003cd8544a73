import { createHash } from 'node:crypto';
import { philox4x32 } from './philox.ts';

/**
 * Random draws that depend only on what they are for: `new RandomStream(seed, 'augment', epoch, sample)` gives the same
 * numbers whatever else was drawn before, on whichever worker and in whichever order.
 *
 * The key parts are hashed (SHA-256) to 128 bits: 64 for the key of Philox4x32-10 and 64 for the upper half of its counter;
 * the lower half counts the blocks.
 */
export class RandomStream {
  readonly #key = new Uint32Array(2);
  readonly #counter = new Uint32Array(4);
  readonly #block = new Uint32Array(4);
  #used = 4;
  #spareNormal: number | undefined;

  constructor(...key: (string | number)[]) {
    const digest = hashKey(key);
    this.#key.set([digest.readUInt32LE(0), digest.readUInt32LE(4)]);
    this.#counter.set([0, 0, digest.readUInt32LE(8), digest.readUInt32LE(12)]);
  }

  /** Uniform over [0, 1) with 53 random bits. */
  next(): number {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  /** Uniform over [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** One of 0 … below − 1, each as likely. */
  integer(below: number): number {
    if (!Number.isSafeInteger(below) || below < 1)
      throw new RangeError(`cannot draw an integer below ${below}: the bound must be a whole number of 1 or more`);
    return Math.floor(this.next() * below);
  }

  /** Standard normal (Box and Muller 1958), from two 32-bit uniforms: |z| stays below 6.7. */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log((this.#word() + 1) / 0x100000000));
    const angle = (2 * Math.PI * this.#word()) / 0x100000000;
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Fills `out` with normal draws of mean 0; returns it. */
  fillNormal(out: Float32Array, deviation: number): Float32Array {
    for (let i = 0; i < out.length; i++) out[i] = deviation * this.normal();
    return out;
  }

  /** Fills `out` with uniform draws over [low, high); returns it. */
  fillUniform(out: Float32Array, low: number, high: number): Float32Array {
    for (let i = 0; i < out.length; i++) out[i] = this.uniform(low, high);
    return out;
  }

  /** Puts the elements in random order, in place (Fisher and Yates); returns the same array. */
  shuffle<T>(array: T[]): T[] {
    for (let last = array.length - 1; last > 0; last--) {
      const chosen = this.integer(last + 1);
      const kept = array[last]!;
      array[last] = array[chosen]!;
      array[chosen] = kept;
    }
    return array;
  }

  #word(): number {
    if (this.#used === 4) {
      philox4x32(this.#counter, this.#key, this.#block);
      this.#used = 0;
      const low = (this.#counter[0]! + 1) >>> 0;
      this.#counter[0] = low;
      if (low === 0) this.#counter[1] = this.#counter[1]! + 1;
    }
    return this.#block[this.#used++]!;
  }
}

/** JSON keeps the parts apart: ('a', 'b') and ('ab'), 1 and '1' hash differently. */
const hashKey = (key: readonly (string | number)[]): Buffer => {
  const unfit = key.find((part) => typeof part === 'number' && !Number.isFinite(part));
  if (unfit !== undefined)
    throw new RangeError(`a random stream cannot be named by ${unfit}: numbers in the key must be finite`);
  return createHash('sha256').update(JSON.stringify(key)).digest();
};
