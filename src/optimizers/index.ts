import type { OptimizerSpec } from '../config/runFile.ts';
import type { Engine } from '../engine/engine.ts';
import { Adam } from './adam.ts';
import type { Optimizer } from './optimizer.ts';
import { Rmsprop } from './rmsprop.ts';
import { Sgd } from './sgd.ts';

/** PyTorch's defaults for weight decay where the run file is silent. */
const WEIGHT_DECAY = { adam: 0, adamw: 0.01 };

/** The optimizer that the run file asks for. The learning rate is given at every step; see `learningRate`. */
export const optimizerFromSpec = (engine: Engine, spec: OptimizerSpec): Optimizer => {
  switch (spec.name) {
    case 'sgd':
      return new Sgd(engine, { momentum: spec.momentum, nesterov: spec.nesterov, weightDecay: spec.weight_decay });
    case 'rmsprop':
      return new Rmsprop(engine, { alpha: spec.alpha, epsilon: spec.eps, weightDecay: spec.weight_decay });
    case 'adam':
    case 'adamw':
      return new Adam(engine, {
        betas: spec.betas,
        epsilon: spec.eps,
        weightDecay: spec.weight_decay ?? WEIGHT_DECAY[spec.name],
        decoupled: spec.name === 'adamw',
      });
  }
};
