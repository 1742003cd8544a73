import { beforeAll, describe } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { installedEngine } from '../../src/engine/install/location.ts';
import { convolutionTests, wideConvolutionTests } from './kernels/convolution.ts';

// Other processors have no oneDNN, and their kernels do not dilate.
describe.skipIf(!installedEngine())('the engine of TensorFlow without oneDNN', () => {
  let engine: Engine;
  beforeAll(async () => {
    process.env['TF_ENABLE_ONEDNN_OPTS'] = '0';
    engine = await startEngine({ name: 'tensorflow', threads: 1 });
  });
  convolutionTests(() => engine);
  wideConvolutionTests(() => engine);
});
