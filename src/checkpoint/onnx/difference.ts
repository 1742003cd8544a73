import type { ChannelsFirst } from './runtime.ts';

/** The largest difference relative to the largest value; infinite where shapes differ or a value is no number in one of the two. */
export function relativeDifference(ours: ChannelsFirst, theirs: ChannelsFirst): number {
  if (ours.shape.join() !== theirs.shape.join()) return Infinity;
  let [difference, largest] = [0, 0];
  for (const [i, value] of ours.values.entries()) {
    const between = Math.abs(value - theirs.values[i]!);
    if (!Number.isFinite(between)) return Infinity;
    difference = Math.max(difference, between);
    largest = Math.max(largest, Math.abs(value));
  }
  return largest === 0 ? difference : difference / largest;
}
