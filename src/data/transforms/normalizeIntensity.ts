import { DataError } from '../dataError.ts';
import { revalued, type DeterministicTransform, type SpecOf } from './transform.ts';

type Statistics = { readonly mean: number; readonly deviation: number };

/**
 * (value − mean) / deviation, over the whole image or each channel, over all voxels or those that are not zero, which stay
 * zero (MONAI's NormalizeIntensity; non-zero and by channel is the habit for MR images). A deviation of 0 counts as 1. Where
 * subtrahend and divisor are given they stand for mean and deviation.
 */
export const normalizeIntensity = (spec: SpecOf<'NormalizeIntensity'>): DeterministicTransform => ({
  kind: 'deterministic',
  apply: (subject) => {
    const { values, channels } = subject.image;
    const normalized = new Float32Array(values.length);
    const voxels = values.length / channels;
    const whole = isGiven(spec) || spec.channel_wise ? undefined : statistics(subject.file, values, spec, '');
    for (let c = 0; c < channels; c++) {
      const part = values.subarray(c * voxels, (c + 1) * voxels);
      const place = channels > 1 ? ` of channel ${c}` : '';
      const { mean, deviation } = whole ?? given(spec, c) ?? statistics(subject.file, part, spec, place);
      for (let i = 0; i < voxels; i++) {
        const value = part[i]!;
        normalized[c * voxels + i] = spec.nonzero && value === 0 ? 0 : (value - mean) / deviation;
      }
    }
    return revalued(subject, normalized);
  },
});

const isGiven = ({ subtrahend, divisor }: SpecOf<'NormalizeIntensity'>): boolean =>
  subtrahend !== undefined && divisor !== undefined;

function given({ subtrahend, divisor }: SpecOf<'NormalizeIntensity'>, channel: number): Statistics | undefined {
  if (subtrahend === undefined || divisor === undefined) return undefined;
  const of = (numbers: number | readonly number[]): number =>
    typeof numbers === 'number' ? numbers : numbers[channel]!;
  return { mean: of(subtrahend), deviation: of(divisor) };
}

function statistics(
  file: string,
  values: Float32Array,
  { nonzero }: { readonly nonzero: boolean },
  place: string,
): Statistics {
  let count = 0;
  let sum = 0;
  for (const value of values)
    if (!nonzero || value !== 0) {
      count += 1;
      sum += value;
    }
  if (count === 0) throw new DataError(file, `all ${values.length} voxels${place} are 0`, 'Leave the case out');
  const mean = sum / count;
  let squares = 0;
  for (const value of values) if (!nonzero || value !== 0) squares += (value - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / count) || 1 };
}
