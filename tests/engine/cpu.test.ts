import { beforeAll, describe } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';

import { convolutionTests } from './kernels/convolution.ts';

describe('the engine of plain tfjs', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine({ name: 'cpu' });
  });
  convolutionTests(() => engine);
});
