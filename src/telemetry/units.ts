/** `45 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** `1 step`, `3 steps`, `22,906,650 parameters`. */
export function formatCount(n: number, noun: string, nouns = `${noun}s`): string {
  return `${n.toLocaleString('en-US')} ${n === 1 ? noun : nouns}`;
}

/** `18%`; nothing where it is not known. */
export const formatShare = (share: number | undefined): string =>
  share === undefined ? '' : `${Math.round(100 * share)}%`;

/** A measure such as a loss to about three digits: `1.23`, `0.456`, `1.2e-5`. */
export function formatMeasure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(1);
  return value.toFixed(size < 1 ? 3 : size < 100 ? 2 : 0);
}

/** Bytes as people write sizes, in powers of a thousand: `512 B`, `1.5 MB`, `80.0 GB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'no limit';
  if (bytes < 1e3) return `${Math.round(bytes)} B`;
  const [size, unit] = [
    [1e12, 'TB'],
    [1e9, 'GB'],
    [1e6, 'MB'],
  ].find(([least]) => bytes >= (least as number)) ?? [1e3, 'kB'];
  return `${(bytes / (size as number)).toFixed(1)} ${unit}`;
}
