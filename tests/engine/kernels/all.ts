import type { Engine } from '../../../src/engine/engine.ts';
import { activationTests } from './activation.ts';
import { convolutionTests } from './convolution.ts';
import { memoryTests } from './memory.ts';
import { normalizationTests } from './normalization.ts';
import { poolingTests } from './pooling.ts';
import { variableTests } from './variables.ts';

/** What every engine must do. */
export function engineTests(engine: () => Engine): void {
  convolutionTests(engine);
  normalizationTests(engine);
  activationTests(engine);
  poolingTests(engine);
  variableTests(engine);
  memoryTests(engine);
}
