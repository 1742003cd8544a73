/**
 * Exact percentiles (nearest rank) of the values that `counts`, as 32-bit floats and without sorting: 65,536 counters by the upper
 * half of the sortable bits find where each rank lies, 65,536 more by the lower half find the value. Undefined where no value counts.
 */
export function percentilesOf(
  values: ArrayLike<number>,
  shares: readonly number[],
  counts: (value: number) => boolean,
): readonly number[] | undefined {
  const upper = new Float64Array(65536);
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!counts(value)) continue;
    upper[sortable(value) >>> 16]! += 1;
    total += 1;
  }
  if (total === 0) return undefined;
  const places = shares.map((share) => place(upper, Math.round(share * (total - 1))));
  const lower = new Map(places.map(({ bin }) => [bin, new Float64Array(65536)]));
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!counts(value)) continue;
    const bits = sortable(value);
    const counters = lower.get(bits >>> 16);
    if (counters) counters[bits & 0xffff]! += 1;
  }
  return places.map(({ bin, rank }) => fromSortable(bin * 65536 + place(lower.get(bin)!, rank).bin));
}

/** The counter in which a rank lies, and its rank in there. */
function place(counters: Float64Array, rank: number): { bin: number; rank: number } {
  let rest = rank;
  let bin = 0;
  while (rest >= counters[bin]!) rest -= counters[bin++]!;
  return { bin, rank: rest };
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** Bits of a float that order as the floats do: of negative ones all are turned over, of others the sign alone. */
function sortable(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  return (bits & 0x80000000 ? ~bits : bits | 0x80000000) >>> 0;
}

function fromSortable(bits: number): number {
  word[0] = bits & 0x80000000 ? bits & 0x7fffffff : ~bits;
  return float[0]!;
}
