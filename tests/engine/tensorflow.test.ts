import { beforeAll, describe } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { installedEngine } from '../../src/engine/install/location.ts';
import { engineTests } from './kernels/all.ts';
import { wideConvolutionTests } from './kernels/convolution.ts';

describe.skipIf(!installedEngine())('the engine of TensorFlow', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine({ name: 'tensorflow', threads: 1 });
  });
  engineTests(() => engine);
  wideConvolutionTests(() => engine);
});
