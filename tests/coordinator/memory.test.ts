import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { KeptCrew } from '../../src/coordinator/keptCrew.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import type { Pipeline } from '../../src/coordinator/pipeline.ts';
import { launchReplay, replayOptions, smallModel, takeStep, writeReplay } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();

/** Those that want as many processes have the same ones. */
const crew = new KeptCrew();
afterAll(() => crew.close());

/** Every pair of these settings at least once. */
const settings = [
  { recompute: 'always', batchNorm: 'deferred', schedule: 'gpipe', workers: 1, output: 'logits' },
  { recompute: 'except_last', batchNorm: 'deferred', schedule: 'gpipe', workers: 3, output: 'labels' },
  { recompute: 'always', batchNorm: 'micro', schedule: '1f1b', workers: 2, output: 'labels' },
  { recompute: 'except_last', batchNorm: 'micro', schedule: '1f1b', workers: 2, output: 'logits' },
  { recompute: 'never', batchNorm: 'micro', schedule: 'gpipe', workers: 2, output: 'labels' },
  { recompute: 'never', batchNorm: 'deferred', schedule: '1f1b', workers: 2, output: 'logits' },
  { recompute: 'never', batchNorm: 'micro', schedule: 'zb_h1', workers: 2, output: 'labels' },
  { recompute: 'always', batchNorm: 'micro', schedule: 'zb_v', workers: 2, output: 'labels' },
] as const;

/** Live tensors and their bytes at every worker. */
const held = async (pipeline: Pipeline): Promise<readonly { tensors: number; bytes: number }[]> =>
  (await pipeline.memory()).map(({ tensors, bytes }) => ({ tensors, bytes }));

describe.each(settings)('$workers workers, recompute $recompute, batch norm $batchNorm, $schedule', (options) => {
  it('hold as many tensors after every step as before it, validation or not', { timeout: 120_000 }, async () => {
    const { schedule, recompute, batchNorm, workers, output } = options;
    const file = await writeReplay(join(folder, `${recompute}-${schedule}.safetensors`), {
      steps: 4,
      batch: 3,
      size: [16, 16],
    });
    const run = { file, batch: 3, microBatches: 3, size: [16, 16] };
    const model = smallModel({ depth: 2, n_feat: 2 });
    const optimizer = { name: 'rmsprop', lr: 0.001, alpha: 0.99, eps: 1e-8, weight_decay: 0.1 } as const;
    const cut = { schedule: schedules[schedule], recompute, batchNorm, workers };
    const pipeline = await crew.lay(replayOptions(run, { ...cut, model, optimizer }));
    try {
      const evaluate = (step: number) =>
        pipeline.evaluate({ step, source: { kind: 'replay', step: 0 }, microBatches: [1, 1, 1] }, output);
      const launched = await held(pipeline);
      await evaluate(100);
      expect(await held(pipeline)).toEqual(launched);
      await takeStep(pipeline, run, 0);
      // The gradients wait for the update, which makes the optimizer's own arrays.
      const waiting = await held(pipeline);
      await pipeline.apply(0.001);
      const settled = await held(pipeline);
      const grown = settled.map(({ bytes }, worker) => bytes - launched[worker]!.bytes);
      const gradients = waiting.map(({ bytes }, worker) => bytes - launched[worker]!.bytes);
      // One array for each parameter that is learnt; beside the gradients wait the running statistics from before the step.
      for (const [worker, bytes] of grown.entries()) {
        expect(bytes).toBeGreaterThan(0);
        expect(gradients[worker]).toBeGreaterThanOrEqual(bytes);
      }
      for (const step of [1, 2, 3]) {
        const { workers: replies } = await takeStep(pipeline, run, step, { norm: step === 2 });
        const withGradients = settled.map(({ bytes }, worker) => bytes + gradients[worker]!);
        expect(replies.map(({ bytes }) => bytes)).toEqual(withGradients);
        await pipeline.apply(0.001, step === 2 ? 0.5 : 1);
        expect(await held(pipeline)).toEqual(settled);
        if (step === 2) await evaluate(101);
        expect(await held(pipeline)).toEqual(settled);
      }
    } finally {
      pipeline.release();
    }
  });
});

it(
  'every action is timed once, in the order of the schedule, with its wait inside it',
  { timeout: 60_000 },
  async () => {
    const file = await writeReplay(join(folder, 'spans.safetensors'), { batch: 2, size: [8, 8] });
    const run = { file, batch: 2, microBatches: 2, size: [8, 8] };
    const pipeline = await launchReplay(run);
    try {
      const { workers } = await takeStep(pipeline, run, 0);
      expect(workers.map(({ spans }) => spans.map(({ action }) => action))).toEqual([
        ['0F0', '0F1', '0B1', '0B0'],
        ['1F0', '1F1', '1B1', '1B0'],
      ]);
      for (const { spans } of workers) {
        const times = spans.flatMap(({ begin, waited, end }) => [begin, waited, end]);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        expect(times[0]).toBeGreaterThanOrEqual(0);
      }
      // Every tensor that one says it sent the other says it received, no earlier.
      const [first, last] = workers;
      for (const [from, to] of [
        [first!, last!],
        [last!, first!],
      ] as const) {
        expect(from.sent.map(({ key }) => key).toSorted()).toEqual(to.received.map(({ key }) => key).toSorted());
        expect(from.sent.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(from.bytesSent);
        for (const { key, begin } of from.sent)
          expect(to.start + to.received.find((each) => each.key === key)!.at).toBeGreaterThanOrEqual(
            from.start + begin,
          );
      }
      // What goes over the links comes back as a gradient of the same size.
      expect(workers[0]!.bytesSent).toBe(workers[1]!.bytesSent);
      expect(workers[0]!.bytesSent).toBeGreaterThan(0);
    } finally {
      await pipeline.close();
    }
  },
);
