import { DataError } from './dataError.ts';
import type { Volume } from './volume.ts';

/**
 * (value − mean) / deviation over the non-zero voxels of each channel; zeros stay zero (MONAI's
 * `NormalizeIntensity(nonzero=True, channel_wise=True)`), the habit for MR images.
 */
export function normalizeNonZero(file: string, { values, channels }: Volume): Float32Array {
  const normalized = new Float32Array(values.length);
  const size = values.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    const begin = channel * size;
    const end = begin + size;
    const { mean, deviation } = statistics(file, values.subarray(begin, end), channel);
    for (let i = begin; i < end; i++) {
      const value = values[i]!;
      normalized[i] = value === 0 ? 0 : (value - mean) / deviation;
    }
  }
  return normalized;
}

function statistics(file: string, values: ArrayLike<number>, channel: number): { mean: number; deviation: number } {
  let count = 0;
  let sum = 0;
  let unfit = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) unfit += 1;
    else if (value !== 0) {
      count += 1;
      sum += value;
    }
  }
  const place = channel > 0 ? ` of channel ${channel}` : '';
  if (unfit > 0)
    throw new DataError(
      file,
      `${unfit} of ${values.length} voxels${place} are NaN or infinite`,
      'Set them to 0, for instance with numpy.nan_to_num',
    );
  if (count === 0) throw new DataError(file, `all ${values.length} voxels${place} are 0`, 'Leave the case out');
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== 0) squares += (value - mean) ** 2;
  }
  return { mean, deviation: Math.sqrt(squares / count) || 1 };
}
