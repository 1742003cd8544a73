import { sharedOperations } from '../common.ts';
import type { Engine } from '../engine.ts';
import { activationKernels } from './activation.ts';
import { loadTensorFlow } from './addon.ts';
import { convolutionKernels } from './convolution.ts';
import { normalizationKernels } from './normalization.ts';
import { poolingKernels } from './pooling.ts';
import { Runtime } from './runtime.ts';
import type { EngineMakeup } from '../versions.ts';
import { variableKernels } from './variable.ts';

/** TensorFlow's own fused kernels, called by name. */
export function tensorFlowEngine(addon: string): { engine: Engine; makeup: EngineMakeup } {
  const tfjs = loadTensorFlow(addon);
  const runtime = new Runtime(tfjs);
  const { variableBytes, ...variables } = variableKernels(runtime);
  const engine: Engine = {
    name: 'tensorflow',
    runsAhead: runtime.usesGpu,
    ...sharedOperations(tfjs),
    ...convolutionKernels(runtime),
    ...normalizationKernels(runtime),
    ...activationKernels(runtime),
    ...poolingKernels(runtime),
    ...variables,
    memory() {
      const { numTensors, numBytes } = tfjs.memory();
      const own = runtime.owned();
      return { tensors: numTensors - own.tensors, bytes: numBytes + variableBytes() - own.bytes };
    },
    takePeak: () => runtime.values.takePeak() + variableBytes() - runtime.owned().bytes,
  };
  return { engine, makeup: { tfjs: tfjs.version_core, tensorflow: runtime.version, usesGpu: runtime.usesGpu } };
}
