import { revalued, type DeterministicTransform, type SpecOf } from './transform.ts';

/** (value − a_min) / (a_max − a_min) · (b_max − b_min) + b_min, and with `clip` no value beyond b_min and b_max. */
export const scaleIntensityRange = ({
  a_min: from,
  a_max: to,
  b_min: low,
  b_max: high,
  clip,
}: SpecOf<'ScaleIntensityRange'>): DeterministicTransform => ({
  kind: 'deterministic',
  apply: (subject) => {
    const { values } = subject.image;
    const scaled = new Float32Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = ((values[i]! - from) / (to - from)) * (high - low) + low;
      scaled[i] = clip ? Math.min(Math.max(value, low), high) : value;
    }
    return revalued(subject, scaled);
  },
});
