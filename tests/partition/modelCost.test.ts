import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMachineFile } from '../../src/config/loadMachineFile.ts';
import type { OptimizerSpec } from '../../src/config/runFile.ts';
import { buildModel } from '../../src/models/index.ts';
import { cellFootprints } from '../../src/partition/cellCost.ts';
import { estimatedCost, estimatedTimes, measuredTimes } from '../../src/partition/estimate.ts';
import { describedMachine } from '../../src/partition/machine.ts';
import { messageBytesOf, stageCostOf } from '../../src/partition/modelCost.ts';
import { partitionOf } from '../../src/partition/partition.ts';
import { routesOf } from '../../src/pipeline/routes.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { simulate } from '../../src/pipeline/simulator.ts';

const adam: OptimizerSpec = { name: 'adam', lr: 0.1, betas: [0.9, 0.999], eps: 1e-8 };
const model = buildModel({
  ...{ name: 'unetpipe', spatial_dims: 3, in_channels: 1 },
  out_channels: 5,
  n_feat: 16,
  depth: 3,
  norm: 'batch',
  deep_supervision: false,
});
const cells = cellFootprints(model, [1, 64, 64, 64, 1], adam);
const device = { operationsPerSecond: 1e11, bytesPerSecond: 1e10, overheadMilliseconds: 0.1 };
const cost = estimatedCost(cells, device);
const whole = { start: 0, end: cells.length };

const figures = [
  'forward',
  'backward',
  'backwardInput',
  'backwardWeights',
  'update',
  'parameterBytes',
  'gradientBytes',
  'optimizerBytes',
] as const;

describe('the cost of a stage', () => {
  test('adds up to the whole wherever it is cut, but for tensors that both sides of the cut hold', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: cells.length - 1 }), (cut) => {
        const [front, back] = [
          { start: 0, end: cut },
          { start: cut, end: cells.length },
        ].map((range) => stageCostOf(cost, range));
        const all = stageCostOf(cost, whole);
        for (const figure of figures) expect(front![figure] + back![figure]).toBeCloseTo(all[figure], 6);
        const shared = front!.holdsOutput && back!.holdsInput ? cells[cut - 1]!.outputBytes : 0;
        // Normalization and its leaky ReLU are one cell: a cut there parts nothing but what is handed on.
        expect(front!.activationBytes + back!.activationBytes - shared).toBe(all.activationBytes);
      }),
    );
  });

  test('holds less than its cells one by one, which count what they share again', () => {
    const { activationBytes } = stageCostOf(cost, whole);
    const oneByOne = cells.reduce((sum, cell) => sum + cell.activationBytes, 0);
    expect(activationBytes).toBeLessThan(0.9 * oneByOne);
    const logitsGradient = cells.at(-1)!.outputBytes;
    expect(stageCostOf(cost, { start: 3, end: 4 }).activationBytes).toBe(cells[3]!.activationBytes);
    expect(stageCostOf(cost, { start: cells.length - 1, end: cells.length }).activationBytes).toBe(
      cells.at(-1)!.activationBytes + logitsGradient,
    );
  });

  test('under recomputation holds its input, the skips that it pops, and at the end the gradient of the logits', () => {
    const pop = cells.findIndex((cell) => cell.pop !== undefined);
    const skip = cells.find(({ stash }) => stash === cells[pop]!.pop)!;
    expect(stageCostOf(cost, { start: pop, end: pop + 1 }).inputBytes).toBe(cells[pop]!.inputBytes + skip.stashBytes);
    expect(stageCostOf(cost, whole).inputBytes).toBe(cells[0]!.inputBytes + cells.at(-1)!.outputBytes);
  });

  test('of any cut can be simulated, and recomputation trades memory for time', () => {
    const partition = partitionOf([10, 8, cells.length - 18], cells.length);
    const request = {
      schedule: schedules.gpipe.generate({ stages: 3, microBatches: 6 }),
      routes: routesOf(model.cells, partition),
      stages: partition.stages.map((range) => stageCostOf(cost, range)),
      messageBytes: messageBytesOf(cells, partition),
      queueCapacity: 8,
      ...describedMachine(parseMachineFile(machineText(3), 'm.yaml'), cells),
    };
    const [never, always] = (['never', 'always'] as const).map((recompute) => simulate({ ...request, recompute }));
    expect(always!.step).toBeGreaterThan(never!.step);
    for (const [worker, { memory }] of always!.details.entries())
      expect(memory.peak).toBeLessThan(never!.details[worker]!.memory.peak);
  });
});

const machineText = (count: number, extra = ''): string => `
name: m
workers:
  - { count: ${count}, device: d, flops: 1e11, bandwidth: 10GB, memory: 16GB, overhead_us: 100, copy_bandwidth: 4GB }
${extra}
link: { latency_us: 100, bandwidth: 1GB }
links: [{ from: 0, to: 1, latency_us: 10, bandwidth: 8GB }]
`;

describe('an estimate', () => {
  test('is the roofline of every layer, and nobody computes the gradient of the image', () => {
    const [first, second] = estimatedTimes(cells, device);
    const layer = cells[0]!.layers[0]!;
    const seconds = Math.max(
      layer.operations / 1e11,
      (layer.inputBytes + layer.outputBytes + layer.weightBytes) / 1e10,
    );
    expect(first!.forward).toBeCloseTo(1000 * seconds + 0.1, 9);
    expect(first!.backwardInput).toBe(0);
    expect(first!.backwardWeights).toBe(first!.forward);
    // Normalization and leaky ReLU: all of it comes with the input's gradient.
    expect(second!.backwardWeights).toBe(0);
    for (const { backward, backwardInput, backwardWeights } of estimatedTimes(cells, device))
      expect(backward).toBe(backwardInput + backwardWeights);
  });

  test('cuts measured backward passes in its own proportion, unless they were measured apart', () => {
    const estimates = [{ forward: 1, backward: 4, backwardInput: 1, backwardWeights: 3 }];
    expect(measuredTimes([{ forward: 5, backward: 8 }], estimates)).toEqual([
      { forward: 5, backward: 8, backwardInput: 2, backwardWeights: 6 },
    ]);
    const apart = { forward: 5, backward: 8, backwardInput: 7, backwardWeights: 2 };
    expect(measuredTimes([apart], estimates)).toEqual([apart]);
  });

  test('of a machine takes other workers at the speed that the model has there', () => {
    const slow = '  - { device: e, flops: 5e10, bandwidth: 5GB, memory: 8GB, overhead_us: 200 }';
    const { machine } = describedMachine(parseMachineFile(machineText(2, slow), 'm.yaml'), cells);
    expect(machine.workers.map(({ speed }) => speed)).toEqual([1, 1, expect.closeTo(0.5, 9)]);
    expect(machine.workers.map(({ memory, copyBytesPerMs }) => [memory, copyBytesPerMs])).toEqual([
      [16e9, 4e6],
      [16e9, 4e6],
      [8e9, Infinity],
    ]);
    expect(machine.link).toEqual({ latency: 0.1, bytesPerMs: 1e6 });
    expect(machine.links).toEqual({
      '0>1': { latency: 0.01, bytesPerMs: 8e6 },
      '1>0': { latency: 0.01, bytesPerMs: 8e6 },
    });
  });
});
