import { createRequire } from 'node:module';
import type * as tf from '@tensorflow/tfjs';
import { sharedOperations } from '../common.ts';
import type { Engine } from '../engine.ts';
import type { EngineMakeup } from '../versions.ts';
import { activationKernels } from './activation.ts';
import { convolutionKernels } from './convolution.ts';
import { normalizationKernels } from './normalization.ts';
import { poolingKernels } from './pooling.ts';
import { meterValues } from '../valueMeter.ts';
import { variableKernels } from './variable.ts';

/** Plain tfjs on one core: what runs where nothing else does, and what the other engine is compared with. */
export async function cpuEngine(): Promise<{ engine: Engine; makeup: EngineMakeup }> {
  const tfjs = createRequire(import.meta.url)('@tensorflow/tfjs') as typeof tf;
  tfjs.env().set('PROD', true); // keeps its advertisement off the terminal
  await tfjs.setBackend('cpu');
  const values = meterValues(tfjs);
  const engine: Engine = {
    name: 'cpu',
    runsAhead: false,
    ...sharedOperations(tfjs),
    ...convolutionKernels(tfjs),
    ...normalizationKernels(tfjs),
    ...activationKernels(tfjs),
    ...poolingKernels(tfjs),
    ...variableKernels(tfjs),
    memory() {
      const { numTensors, numBytes } = tfjs.memory();
      return { tensors: numTensors, bytes: numBytes };
    },
    takePeak: () => values.takePeak(),
  };
  return { engine, makeup: { tfjs: tfjs.version_core, usesGpu: false } };
}
