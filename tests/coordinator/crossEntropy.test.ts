import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { differenceOf, heldBy, launchReplay, smallModel, takeStep, writeReplay } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const weights = [0.2, 1.5, 4];

/** torch.nn.CrossEntropyLoss(weight): −Σ w_y·log p_y / Σ w_y over all voxels; `logits` (voxels, classes). */
function crossEntropy(logits: Float32Array, labels: Uint8Array): number {
  let [sum, total] = [0, 0];
  for (const [voxel, label] of labels.entries()) {
    const z = [...logits.subarray(voxel * weights.length, (voxel + 1) * weights.length)];
    const logOfSum = Math.log(z.reduce((all, value) => all + Math.exp(value), 0));
    sum -= weights[label]! * (z[label]! - logOfSum);
    total += weights[label]!;
  }
  return sum / total;
}

it(
  'weighted cross-entropy is that of PyTorch over the whole mini-batch, however it is cut',
  { timeout: 120_000 },
  async () => {
    const spec = { batch: 5, classes: 3, size: [8, 12] };
    const file = await writeReplay(join(folder, 'weighted.safetensors'), spec);
    const { tensors } = await readSafetensors(file);
    const labels = tensors.get('labels')!.values as Uint8Array;
    // The heaviest class is hardly in the first samples: a mean of means would be another number.
    const few = labels.map((label, voxel) => (voxel < 2 * 96 && label === 2 && voxel % 7 > 0 ? 0 : label));
    await writeSafetensors(file, new Map([...tensors]).set('labels', { ...tensors.get('labels')!, values: few }));
    const model = smallModel({ out_channels: 3, norm: 'instance' });
    const outcomes = [];
    for (const [microBatches, workers] of [
      [1, 1],
      [2, 2],
      [5, 3],
    ] as const) {
      const run = { file, batch: 5, microBatches, size: spec.size };
      const loss = { name: 'cross_entropy' as const, class_weights: weights };
      const pipeline = await launchReplay(run, { model, workers, loss });
      try {
        const result = await takeStep(pipeline, run, 0, { logits: true });
        const logits = result.outputs.flatMap(({ values }) => [...(values as Float32Array)]);
        expect(result.loss).toBeCloseTo(crossEntropy(Float32Array.from(logits), few), 5);
        outcomes.push({ loss: result.loss, gradients: await heldBy(pipeline, 'gradients') });
      } finally {
        await pipeline.close();
      }
    }
    const [whole, ...cut] = outcomes;
    for (const { loss, gradients } of cut) {
      expect(loss).toBeCloseTo(whole!.loss, 5);
      expect(differenceOf(whole!.gradients, gradients)).toBeLessThan(1e-5);
    }
  },
);
