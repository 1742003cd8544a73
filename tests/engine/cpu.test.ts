import { beforeAll, describe } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';

import { engineTests } from './kernels/all.ts';

describe('the engine of plain tfjs', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine({ name: 'cpu' });
  });
  engineTests(() => engine);
});
