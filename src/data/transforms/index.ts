import type { TransformSpec } from '../../config/runFile.ts';
import { transformSteps, type TransformStep } from '../../config/transformList.ts';
import { cropForeground } from './cropForeground.ts';
import { normalizeIntensity } from './normalizeIntensity.ts';
import { orientation } from './orientation.ts';
import { divisiblePad, spatialPad } from './padding.ts';
import { rand3DElastic } from './rand3DElastic.ts';
import { randAffine } from './randAffine.ts';
import { randCropByPosNegLabel } from './randCropByPosNegLabel.ts';
import { randFlip } from './randFlip.ts';
import { randGaussianNoise, randScaleIntensity, randShiftIntensity } from './randIntensity.ts';
import { scaleIntensityRange } from './scaleIntensityRange.ts';
import { spacing } from './spacing.ts';
import type { Streams, Subject, Transform } from './transform.ts';

/** The transform that a run file asks for. */
export function transformFor(step: TransformStep): Transform {
  switch (step.name) {
    case 'Orientation':
      return orientation(step);
    case 'Spacing':
      return spacing(step);
    case 'ScaleIntensityRange':
      return scaleIntensityRange(step);
    case 'NormalizeIntensity':
      return normalizeIntensity(step);
    case 'CropForeground':
      return cropForeground(step);
    case 'SpatialPad':
      return spatialPad(step);
    case 'DivisiblePad':
      return divisiblePad(step);
    case 'RandCropByPosNegLabel':
      return randCropByPosNegLabel(step);
    case 'RandFlip':
      return randFlip(step);
    case 'RandAffine':
      return randAffine(step);
    case 'Rand3DElastic':
      return rand3DElastic(step);
    case 'RandGaussianNoise':
      return randGaussianNoise(step);
    case 'RandScaleIntensity':
      return randScaleIntensity(step);
    case 'RandShiftIntensity':
      return randShiftIntensity(step);
  }
}

/** What is done once to every image, training or not: the deterministic transforms of a list, in their order. */
export const applyDeterministic = (subject: Subject, specs: readonly TransformSpec[]): Subject =>
  transformSteps(specs).reduce((before, { step }) => {
    const transform = transformFor(step);
    return transform.kind === 'deterministic' ? transform.apply(before) : before;
  }, subject);

/** What is drawn for every training sample. Each transform draws from streams of its own, named by its place in the list. */
export const applyRandom = (subject: Subject, specs: readonly TransformSpec[], streams: Streams): Subject =>
  transformSteps(specs).reduce((before, { step, place }) => {
    const transform = transformFor(step);
    if (transform.kind === 'deterministic') return before;
    return transform.apply(before, (purpose) => streams(`${place} ${step.name} ${purpose}`));
  }, subject);
