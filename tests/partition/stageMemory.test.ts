import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelSpec, OptimizerSpec } from '../../src/config/runFile.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { sizeOf, type Shape, type Tensor } from '../../src/engine/tensor.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import type { Model } from '../../src/models/cell.ts';
import { describeModel, parameterSpecs } from '../../src/models/describe.ts';
import { buildModel } from '../../src/models/index.ts';
import type { UnetPipeSpec } from '../../src/models/unetpipe.ts';
import { initializeParameters } from '../../src/models/initialize.ts';
import { optimizerFromSpec } from '../../src/optimizers/index.ts';
import { cellFootprints, optimizerSlots } from '../../src/partition/cellCost.ts';
import { stageMemory } from '../../src/partition/stageMemory.ts';
import type { StageMemory } from '../../src/partition/stageMemory.ts';
import { RandomStream } from '../../src/random/stream.ts';
import { Stage } from '../../src/worker/stage.ts';
import { startMemoryMeter } from '../support/memoryMeter.ts';
import type { MemoryMeter } from '../support/memoryMeter.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'tensorflow' });
});

const rmsprop: OptimizerSpec = { name: 'rmsprop', lr: 0.1, alpha: 0.9, eps: 1e-8, weight_decay: 0 };
const specOf = (norm: UnetPipeSpec['norm'], dims: 2 | 3): UnetPipeSpec => ({
  ...{ name: 'unetpipe', spatial_dims: dims, in_channels: 1, out_channels: 4, n_feat: 8, depth: 2, norm },
  deep_supervision: false,
});

/** A stage of real cells, and what goes into it and comes back. */
interface Bench {
  readonly model: Model;
  readonly store: UncountedReads;
  readonly start: number;
  readonly end: number;
  readonly shapes: readonly Shape[];
}

interface Measured {
  readonly held: number;
  readonly forward: number;
  readonly backward: number;
}

/** Reads parameters past the meter: the engine makes no copy of them, but its bookkeeping counts one. */
class UncountedReads extends ParameterStore {
  meter: MemoryMeter | undefined;

  override read(name: string): Tensor {
    return this.meter ? this.meter.unseen(() => super.read(name)) : super.read(name);
  }
}

/** Runs two micro-batches through a real stage, and measures the second: then there are gradients to be added to. */
function measure(bench: Bench, recompute: 'always' | 'never'): Measured {
  const { model, store, start, end } = bench;
  const cells = model.cells.slice(start, end);
  const stage = new Stage({ engine, cells, parameters: store, recompute, batchNorm: 'micro', first: start === 0 });
  const meter = startMemoryMeter();
  store.meter = meter;
  try {
    runOnce(bench, stage, meter);
    const gradients = meter.now();
    meter.takePeak();
    const { held, forward, backward } = runOnce(bench, stage, meter);
    return { held: held - gradients, forward: forward - gradients, backward: backward - gradients };
  } finally {
    meter.stop();
    store.meter = undefined;
    store.clearGradients();
  }
}

function runOnce({ model, start, end, shapes }: Bench, stage: Stage, meter: MemoryMeter): Measured {
  const borders = skipsAtBorders(model, start, end);
  const filled = (cellIndex: number): Tensor => engine.math.fill([...shapes[cellIndex + 1]!], 0.5);
  const skipsOf = (names: readonly string[]): Map<string, Tensor> =>
    new Map(names.map((skip) => [skip, filled(model.cells.findIndex(({ stash }) => stash === skip))]));
  const front = stage.forward(0, 2, filled(start - 1), skipsOf(borders.incoming), draws(shapes[0]!));
  [front.output, ...front.stashes.values()].forEach((tensor) => tensor.dispose());
  const [forward, held] = [meter.takePeak(), meter.now()];
  const back = stage.backward(0, filled(end - 1), skipsOf(borders.outgoing));
  [back.input, ...back.skips.values()].forEach((tensor) => tensor?.dispose());
  return { held, forward, backward: meter.takePeak() };
}

const draws = ([batch = 1]: Shape): string[] => Array.from({ length: batch }, (_, sample) => `sample ${sample}`);

function skipsAtBorders({ cells }: Model, start: number, end: number): { incoming: string[]; outgoing: string[] } {
  const own = cells.slice(start, end);
  const [stashed, popped] = [own.flatMap(({ stash }) => stash ?? []), own.flatMap(({ pop }) => pop ?? [])];
  return {
    incoming: popped.filter((skip) => !stashed.includes(skip)),
    outgoing: stashed.filter((skip) => !popped.includes(skip)),
  };
}

const predict = (memory: StageMemory, recompute: 'always' | 'never'): Measured => {
  const { activationBytes, inputBytes, transientBytes: of } = memory;
  if (recompute === 'never')
    return {
      held: activationBytes,
      forward: activationBytes + of.forward,
      backward: activationBytes + of.backward,
    };
  const backward = activationBytes + Math.max(of.forwardAgain, of.backward);
  return { held: inputBytes, forward: inputBytes + of.forwardDropping, backward };
};

const coplenet: ModelSpec = {
  ...{ name: 'coplenet', spatial_dims: 2, in_channels: 1, out_channels: 4, bilinear: true },
  ...{ feature_channels: [4, 8, 16, 32, 64], dropout: [0, 0, 0.3, 0.4, 0.5] },
};
const unet = (norm: UnetPipeSpec['norm'], dims: 2 | 3, batch: number) => ({
  ...{ title: `a U-Net with ${norm} normalization in ${dims} dimensions`, spec: specOf(norm, dims), batch },
});
const cases: { title: string; spec: ModelSpec; batch: number }[] = [
  unet('batch', 3, 1),
  unet('batch', 3, 2),
  unet('batch', 2, 2),
  unet('instance', 3, 2),
  unet('group', 3, 2),
  { title: 'COPLE-Net, with bridges and sums', spec: coplenet, batch: 2 },
];

describe.each(cases)('of $title, batch $batch', ({ title, spec, batch }) => {
  const model = buildModel(spec);
  const input = [batch, ...Array.from({ length: model.spatialDims }, () => 32), 1];
  const shapes = [input, ...describeModel(model, input).map(({ outputShape }) => outputShape)];
  const footprints = cellFootprints(model, input, rmsprop);
  const skips = new Map(footprints.flatMap(({ stash, stashBytes }) => (stash ? [[stash, stashBytes]] : [])));
  let store: UncountedReads;
  beforeAll(() => {
    store = new UncountedReads(engine);
    initializeParameters(engine, store, parameterSpecs(model.cells), 0);
    // Constants that the engine keeps are made once.
    measure({ model, store, start: 0, end: model.cells.length, shapes }, 'never');
  });
  afterAll(() => store.dispose());

  const stream = new RandomStream('tests', `ranges ${title} ${batch}`);
  const ranges = Array.from({ length: 12 }, () => {
    const start = Math.floor(stream.next() * model.cells.length);
    return [start, start + 1 + Math.floor(stream.next() * (model.cells.length - start))] as const;
  });

  test.each([[0, model.cells.length] as const, ...ranges])(
    'cells %d to %d hold and take what was counted',
    (start, end) => {
      const memory = stageMemory(footprints.slice(start, end), { first: start === 0, lossScratch: undefined, skips });
      for (const recompute of ['never', 'always'] as const) {
        const counted = predict(memory, recompute);
        const measured = measure({ model, store, start, end, shapes }, recompute);
        expect(counted.held, 'held').toBe(measured.held);
        // What single kernels take for a moment is known roughly.
        expect(Math.abs(counted.forward / measured.forward - 1), 'forward').toBeLessThan(0.05);
        expect(Math.abs(counted.backward / measured.backward - 1), 'backward').toBeLessThan(0.05);
      }
    },
  );
});

test('the fixed part is what store and optimizer hold', () => {
  const model = buildModel(specOf('batch', 3));
  const optimizers: OptimizerSpec[] = [
    rmsprop,
    { name: 'sgd', lr: 0.1, momentum: 0, nesterov: false, weight_decay: 0 },
    { name: 'sgd', lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0 },
    { name: 'adam', lr: 0.1, betas: [0.9, 0.999], eps: 1e-8 },
    { name: 'adamw', lr: 0.1, betas: [0.9, 0.999], eps: 1e-8 },
  ];
  for (const spec of optimizers) {
    const optimizer = optimizerFromSpec(engine, spec);
    expect(optimizerSlots(spec)).toBe(optimizer.slotNames().length);
    optimizer.dispose();
  }
  const counted = cellFootprints(model, [1, 32, 32, 32, 1], rmsprop);
  const specs = parameterSpecs(model.cells);
  const bytesOf = (role?: 'parameter') =>
    specs.filter((each) => !role || each.role === role).reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  const total = (key: 'parameterBytes' | 'gradientBytes' | 'optimizerBytes') =>
    counted.reduce((sum, cell) => sum + cell[key], 0);
  expect(total('parameterBytes')).toBe(bytesOf());
  expect(total('gradientBytes')).toBe(bytesOf('parameter'));
  expect(total('optimizerBytes')).toBe(optimizerSlots(rmsprop) * bytesOf('parameter'));
});
