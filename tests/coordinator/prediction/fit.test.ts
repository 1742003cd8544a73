import { describe, expect, it } from 'vitest';
import { modelSchema } from '../../../src/config/schema/model.ts';
import { optimizerSchema } from '../../../src/config/schema/optimizer.ts';
import { forwardBytes, shortageOf } from '../../../src/coordinator/prediction/fit.ts';
import { buildModel } from '../../../src/models/index.ts';

const model = buildModel(modelSchema.parse({ name: 'unetpipe', out_channels: 10, n_feat: 8, depth: 2 }));
const optimizer = optimizerSchema.parse({ name: 'adam', lr: 0.01 });
const needed = (length: number, workers: number): number[] =>
  forwardBytes(model, optimizer, [1, length, length, length, 1], workers);

describe('what a forward pass takes', () => {
  it('grows with the voxels', () => {
    const ratio = Math.max(...needed(128, 1)) / Math.max(...needed(64, 1));
    expect(ratio).toBeGreaterThan(7);
    expect(ratio).toBeLessThan(8.1);
  });

  it('is at least the input and the logits, and less than a training step', () => {
    const [bytes] = needed(64, 1);
    expect(bytes).toBeGreaterThan(4 * 64 ** 3 * 11);
    expect(bytes).toBeLessThan(4 * 64 ** 3 * 100);
  });

  it('is told for every worker', () => expect(needed(64, 3).length).toBe(3));
});

describe('a shortage', () => {
  it('is the worst of all', () => {
    expect(shortageOf([5, 9, 7], [6, 6, 1])).toEqual({ needed: 7, limit: 1 });
  });

  it('is none where each has what it needs', () => {
    expect(shortageOf([5, 6], [6, 6])).toBeUndefined();
  });
});
