import type { LossSpec } from '../config/runFile.ts';
import type { NetworkLossSpec } from '../config/schema/network.ts';
import { CrossEntropyLoss } from './crossEntropy.ts';
import { LampLoss } from './lamp.ts';
import { DeepSupervisionLoss } from './deepSupervision.ts';
import { GivenGradient } from './givenGradient.ts';
import type { Loss } from './loss.ts';
import { NoiseRobustDiceLoss } from './noiseRobustDice.ts';

/** The number of class weights is not that of the classes. */
export class ClassWeightsError extends Error {
  override readonly name = 'ClassWeightsError';
}

/** The loss that the run file asks for, over `classes` classes (background among them), of each head that the network has. */
export const lossFromSpec = (spec: NetworkLossSpec, classes: number): Loss =>
  spec.name === 'given_gradient' ? new GivenGradient() : new DeepSupervisionLoss(lossOfHead(spec, classes), classes);

const lossOfHead = (spec: LossSpec, classes: number): Loss => {
  const weights = spec.class_weights;
  if (weights && weights.length !== classes)
    throw new ClassWeightsError(
      `loss.class_weights has ${weights.length} values, but there are ${classes} classes: give one for each, background first`,
    );
  const all = weights ?? Array.from({ length: classes }, () => 1);
  switch (spec.name) {
    case 'lamp':
      return new LampLoss({
        focalWeight: spec.focal_weight,
        focalGamma: spec.focal_gamma,
        classWeights: all,
      });
    case 'cross_entropy':
      return new CrossEntropyLoss(weights);
    case 'noise_robust_dice':
      return new NoiseRobustDiceLoss({ gamma: spec.gamma, denominator: spec.denominator, classWeights: all });
  }
};
