import type { TransformSpec } from '../../config/runFile.ts';
import { DataError } from '../dataError.ts';
import type { DeterministicTransform } from './transform.ts';

type NormalizeIntensitySpec = Extract<TransformSpec, { name: 'NormalizeIntensity' }>;

/**
 * (value − mean) / deviation, over the whole image or each channel, over all voxels or those that are not zero, which stay
 * zero (MONAI's NormalizeIntensity; non-zero and by channel is the habit for MR images). A deviation of 0 counts as 1.
 */
export const normalizeIntensity = ({
  nonzero,
  channel_wise: channelWise,
}: Omit<NormalizeIntensitySpec, 'name'>): DeterministicTransform => ({
  kind: 'deterministic',
  apply: (subject) => {
    const { values, channels } = subject.image;
    const normalized = new Float32Array(values.length);
    const size = channelWise ? values.length / channels : values.length;
    for (let begin = 0; begin < values.length; begin += size) {
      const place = channelWise && channels > 1 ? ` of channel ${begin / size}` : '';
      const part = values.subarray(begin, begin + size);
      const { mean, deviation } = statistics(subject.file, part, { nonzero, place });
      for (let i = 0; i < size; i++) {
        const value = part[i]!;
        normalized[begin + i] = nonzero && value === 0 ? 0 : (value - mean) / deviation;
      }
    }
    return { ...subject, image: { ...subject.image, values: normalized } };
  },
});

function statistics(
  file: string,
  values: Float32Array,
  { nonzero, place }: { nonzero: boolean; place: string },
): { mean: number; deviation: number } {
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
