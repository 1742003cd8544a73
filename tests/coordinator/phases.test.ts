import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readSafetensors } from '../../src/checkpoint/safetensors.ts';
import { readNifti } from '../../src/data/nifti/read.ts';
import { smallRun, writeCase } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { leftOf } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const timeout = 120_000;

const window = { name: 'ScaleIntensityRange', a_min: 0, a_max: 220, b_min: 0, b_max: 1 };

/** Crops, then larger ones over several mini-batches an update, then whole images of two sizes at once. */
const phases = [
  { name: 'crops', data: { patch_size: [8, 8, 8] }, training: { batch_size: 4, epochs: 2 } },
  {
    data: { patch_size: [16, 16, 12] },
    training: { batch_size: 2, accumulate: 3, epochs: 1 },
    pipeline: { workers: 1 },
  },
  {
    name: 'whole',
    data: { patch_size: 'whole', samples_per_epoch: 4, transforms: [window] },
    training: { batch_size: 2, epochs: 2 },
  },
];

function writeCurriculum(name: string, change: (run: Record<string, unknown>) => void = () => {}): string {
  const { pipeline, ...run } = smallRun();
  const two = ['one', 'large'].map((each) => ({ image: `${each}.nii.gz`, label: `${each}-label.nii.gz` }));
  const curriculum = {
    ...run,
    data: { ...run.data, train: two, validation: two },
    pipeline: { workers: pipeline['workers'] },
    phases: structuredClone(phases),
  };
  change(curriculum);
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, stringify(curriculum));
  return file;
}

const runFolder = (name: string): string => join(folder, 'runs', name);
const train = (file: string, name: string, ...words: string[]): LampProcess =>
  new LampProcess(['train', file, '--name', name, '--output', join(folder, 'runs'), '--json', ...words]);

beforeAll(async () => {
  await writeCase(folder, 'one');
  await writeCase(folder, 'large', [26, 20, 14]);
});

interface Step {
  readonly phase: string;
  readonly step: number;
  readonly epoch: number;
  readonly updates?: number;
}
interface Summary {
  readonly phase: string;
  readonly best: { readonly meanDice: number; readonly epoch: number };
  readonly structures: Record<string, { readonly dice: number; readonly epoch: number }>;
}

describe('a run of three phases', () => {
  let lamp: LampProcess;
  beforeAll(async () => {
    lamp = train(writeCurriculum('curriculum'), 'curriculum', '--trace', join(folder, 'trace.json'));
    await lamp.ended;
  }, timeout);

  it('ends well', async () => expect([await lamp.ended, lamp.err]).toEqual([0, '']));

  it('counts its steps and epochs on from phase to phase', () => {
    const steps = lamp.events<Step>('step');
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(steps.map(({ phase, epoch }) => `${phase} ${epoch}`)).toEqual([
      ...['crops 1', 'crops 1', 'crops 2', 'crops 2'],
      ...['phase-2 3', 'phase-2 3', 'phase-2 3', 'phase-2 3'],
      ...['whole 4', 'whole 4', 'whole 5', 'whole 5'],
    ]);
    // 4 mini-batches of the second phase make two updates: of 3, and of the one that is left over.
    expect(steps.map(({ updates }) => updates)).toEqual([
      ...[undefined, undefined, undefined, undefined],
      ...[0, 0, 1, 2],
      ...[undefined, undefined, undefined, undefined],
    ]);
  });

  it('cuts the network anew for every phase', () => {
    const launched = lamp.events<{ phase: object; workers: unknown[] }>('launched');
    expect(launched.map(({ workers }) => workers.length)).toEqual([2, 1, 2]);
    expect(launched.map(({ phase }) => phase)).toEqual([
      { name: 'crops', number: 1, of: 3 },
      { name: 'phase-2', number: 2, of: 3 },
      { name: 'whole', number: 3, of: 3 },
    ]);
  });

  it('leaves the best weights of every phase by name, those of the last as the result', async () => {
    const files = readdirSync(join(runFolder('curriculum'), 'phases')).toSorted();
    expect(files).toEqual(['crops.safetensors', 'phase-2.safetensors', 'whole.safetensors']);
    const bytes = (name: string): Buffer => readFileSync(join(runFolder('curriculum'), name));
    expect(bytes('weights.safetensors').equals(bytes('phases/whole.safetensors'))).toBe(true);
    expect(bytes('weights.safetensors').equals(bytes('phases/crops.safetensors'))).toBe(false);
  });

  it('leaves the best weights for every structure of the last phase, written once for each validation', async () => {
    const summary = lamp.events<Summary>('finished').at(-1)!;
    expect(Object.keys(summary.structures)).toEqual(['ball', 'box']);
    for (const [structure, { epoch }] of Object.entries(summary.structures)) {
      const { metadata } = await readSafetensors(join(runFolder('curriculum'), 'best', `${structure}.safetensors`));
      expect(metadata.get('when')).toBe(`best of epoch ${epoch}`);
      const inode = (name: string): number => statSync(join(runFolder('curriculum'), name)).ino;
      if (epoch === summary.best.epoch)
        expect(inode(`best/${structure}.safetensors`)).toBe(inode('weights.safetensors'));
    }
  });

  it('says in its metrics and in its result what was best in every phase', () => {
    const finished = lamp.events<Summary>('finished');
    expect(finished.map(({ phase }) => phase)).toEqual(['crops', 'phase-2', 'whole']);
    const lines = readFileSync(join(runFolder('curriculum'), 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    const events = lines.map((line) => JSON.parse(line) as { kind: string });
    expect(events.filter(({ kind }) => kind === 'finished')).toEqual(finished);
    const [result] = lamp.events<{ phases: object[]; meanDice: number; steps: number }>('result');
    expect(result).toMatchObject({ steps: 12, meanDice: finished.at(-1)!.best.meanDice });
    expect(result!.phases.map((summary) => ({ kind: 'finished', ...summary }))).toEqual(finished);
  });

  it('segments the validation images with the last, each under its own name', () => {
    const files = readdirSync(runFolder('curriculum')).filter((name) => name.endsWith('segmentation.nii.gz'));
    expect(files.toSorted()).toEqual(['large-segmentation.nii.gz', 'one-segmentation.nii.gz']);
  });

  it('is predicted with as its last phase was trained', { timeout }, async () => {
    const output = join(folder, 'again.nii.gz');
    const words = ['--run', runFolder('curriculum'), '--input', join(folder, 'one.nii.gz'), '--output', output];
    const predict = new LampProcess(['predict', ...words]);
    expect([await predict.ended, predict.err]).toEqual([0, '']);
    const [again, before] = [output, join(runFolder('curriculum'), 'one-segmentation.nii.gz')].map(readNifti);
    expect((await again!).volume.values).toEqual((await before!).volume.values);
  });

  it('says in its trace of which phase a step is', () => {
    const { traceEvents } = JSON.parse(readFileSync(join(folder, 'trace.json'), 'utf8')) as {
      traceEvents: { args?: { phase?: string } }[];
    };
    expect(new Set(traceEvents.flatMap(({ args }) => args?.phase ?? []))).toEqual(new Set(['whole']));
  });

  it('leaves no process', async () => expect(await leftOf([lamp.pid])).toEqual([]));

  it(
    'goes on where the phase before was best: with nothing learnt since, the weights are the same',
    { timeout },
    async () => {
      const still = writeCurriculum('still', (run) => {
        const later = { optimizer: { lr: 1e-30 }, training: { epochs: 1 } };
        Object.assign(run, { optimizer: { name: 'sgd', lr: 0.05 } });
        Object.assign(run['model'] as object, { norm: 'instance' });
        Object.assign(run, {
          phases: [{ ...phases[0] }, { ...phases[2], ...later, training: { epochs: 1, batch_size: 2 } }],
        });
      });
      const lamp = train(still, 'still');
      expect([await lamp.ended, lamp.err]).toEqual([0, '']);
      const weightsOf = async (name: string): Promise<Map<string, unknown>> =>
        new Map((await readSafetensors(join(runFolder('still'), 'phases', `${name}.safetensors`))).tensors);
      expect(await weightsOf('phase-2').catch(() => weightsOf('whole'))).toEqual(await weightsOf('crops'));
    },
  );
});

describe('what is wrong with a later phase is told before the first begins', () => {
  it.each<[what: string, change: object, parts: readonly string[]]>([
    [
      'more workers than cells',
      { pipeline: { workers: 13 } },
      ['phases[2].pipeline.workers: 13 workers', "the model's 12 cells"],
    ],
    [
      'whole images of two sizes in one micro-batch',
      { pipeline: { micro_batches: 1 } },
      ['phases[2].pipeline.micro_batches', 'differ in size and cannot share a micro-batch'],
    ],
    ['less memory than it needs', { pipeline: { memory: '100 kB' } }, ['phase whole (phases[2]): nothing fits']],
  ])('%s', { timeout }, async (what, change, parts) => {
    const name = what.replaceAll(' ', '-');
    const file = writeCurriculum(name, (run) => Object.assign((run['phases'] as object[])[2]!, change));
    const lamp = train(file, name);
    expect(await lamp.ended).toBe(2);
    for (const part of parts) expect(lamp.err).toContain(part);
    expect(lamp.events('launched')).toEqual([]);
    expect(readdirSync(join(folder, 'runs'))).not.toContain(name);
  });
});

it('stops early where validation becomes no better, and goes on with the next phase', { timeout }, async () => {
  const file = writeCurriculum('early', (run) => {
    const still = { optimizer: { lr: 1e-30 }, training: { batch_size: 4, epochs: 50, early_stop: { patience: 2 } } };
    Object.assign(run['model'] as object, { norm: 'instance' });
    Object.assign(run, { optimizer: { name: 'sgd', lr: 0.05 } });
    Object.assign(run, {
      phases: [
        { ...phases[0], ...still },
        { ...phases[2], training: { batch_size: 2, epochs: 1 } },
      ],
    });
  });
  const lamp = train(file, 'early');
  expect([await lamp.ended, lamp.err]).toEqual([0, '']);
  const finished = lamp.events<{ epochs: number; stoppedEarly: boolean }>('finished');
  // The first is the best so far; two more are no better.
  expect(finished.map(({ epochs, stoppedEarly }) => [epochs, stoppedEarly])).toEqual([
    [3, true],
    [1, false],
  ]);
  expect(lamp.events<Step>('step').at(-1)).toMatchObject({ phase: 'whole', epoch: 4, step: 8 });
});
