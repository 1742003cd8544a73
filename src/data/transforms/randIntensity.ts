import type { RandomStream } from '../../random/stream.ts';
import { revalued, type RandomTransform, type SpecOf } from './transform.ts';

/** Adds noise of a deviation that is itself drawn, from 0 to `std` (MONAI's RandGaussianNoise). */
export const randGaussianNoise = ({ prob, mean, std }: SpecOf<'RandGaussianNoise'>): RandomTransform => ({
  kind: 'random',
  apply: (subject, streams) => {
    if (!(streams('prob').next() < prob)) return subject;
    const deviation = streams('deviation').uniform(0, std);
    const { values } = subject.image;
    const noisy = streams('noise').fillNormal(new Float32Array(values.length), deviation);
    for (let i = 0; i < noisy.length; i++) noisy[i]! += values[i]! + mean;
    return revalued(subject, noisy);
  },
});

/** value · (1 + factor), one factor for the image (MONAI's RandScaleIntensity). */
export const randScaleIntensity = ({ prob, factors }: SpecOf<'RandScaleIntensity'>): RandomTransform => ({
  kind: 'random',
  apply: (subject, streams) => {
    if (!(streams('prob').next() < prob)) return subject;
    const factor = 1 + drawBetween(streams('factor'), factors);
    return revalued(
      subject,
      subject.image.values.map((value) => factor * value),
    );
  },
});

/** value + offset, one offset for the image (MONAI's RandShiftIntensity). */
export const randShiftIntensity = ({ prob, offsets }: SpecOf<'RandShiftIntensity'>): RandomTransform => ({
  kind: 'random',
  apply: (subject, streams) => {
    if (!(streams('prob').next() < prob)) return subject;
    const offset = drawBetween(streams('offset'), offsets);
    return revalued(
      subject,
      subject.image.values.map((value) => value + offset),
    );
  },
});

/** A number stands for as much either way. */
const drawBetween = (stream: RandomStream, range: number | readonly [number, number]): number =>
  typeof range === 'number' ? stream.uniform(-range, range) : stream.uniform(range[0], range[1]);
