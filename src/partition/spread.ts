/** What repeated times come to, in their own unit: the median, and the quartiles on both sides of it. */
export interface Spread {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
}

export const spreadOf = (times: readonly number[]): Spread => ({
  median: median(times),
  lower: quantile(times, 0.25),
  upper: quantile(times, 0.75),
});

/** The middle of repeated times; of an even number, the mean of the middle two. */
export const median = (times: readonly number[]): number => quantile(times, 0.5);

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Between two times by the straight line (R's and NumPy's default, type 7). */
export const quantile = (times: readonly number[], share: number): number => {
  const sorted = times.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN];
  return below + (place - Math.floor(place)) * (above - below);
};
