import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crossChecks } from '../../src/config/crossChecks.ts';
import { formatRunFile } from '../../src/config/formatRunFile.ts';
import { parseRunFile } from '../../src/config/loadRunFile.ts';
import { phasesOf } from '../../src/config/phases.ts';
import { arbitraryCurriculum } from './arbitraryRunFile.ts';
import { exampleText } from './exampleRunFile.ts';

const curriculum = `${exampleText}
phases:
  - name: small
    data: { patch_size: [16, 16, 16], augment: { rotate: 10 } }
    training: { batch_size: 16, accumulate: 2 }
  - data: { patch_size: whole }
    training: { batch_size: 1, epochs: 1 }
    optimizer: { lr: 0.0001 }
    lr_schedule: { name: cosine }
    pipeline: { schedule: 1f1b }
`;
const parse = (text: string, ...overrides: string[]): ReturnType<typeof parseRunFile> =>
  parseRunFile(text, 'run.yaml', overrides);
const faultOf = (text: string, ...overrides: string[]): string => {
  try {
    parse(text, ...overrides);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('the phases of a run', () => {
  it('are the run itself where it has none', () => {
    const run = parse(exampleText);
    expect(phasesOf(run)).toEqual([{ name: undefined, run }]);
  });

  it('take what they say, and where they are silent the value of the run', () => {
    const [small, whole] = phasesOf(parse(curriculum, 'data.augment.noise=0.5', 'training.clip_norm=2'));
    expect(small).toMatchObject({
      name: 'small',
      run: {
        data: { patch_size: [16, 16, 16], augment: { rotate: 10, noise: 0.5 }, foreground: 0.67 },
        training: { batch_size: 16, epochs: 3, accumulate: 2, clip_norm: 2 },
        optimizer: { name: 'rmsprop', lr: 0.001, alpha: 0.99 },
        lr_schedule: { name: 'constant' },
        pipeline: { schedule: 'gpipe' },
      },
    });
    expect(whole).toMatchObject({
      name: 'phase-2',
      run: {
        data: { patch_size: 'whole', augment: { rotate: 0, noise: 0.5 } },
        training: { batch_size: 1, epochs: 1, accumulate: 1, clip_norm: 2 },
        optimizer: { name: 'rmsprop', lr: 0.0001, alpha: 0.99 },
        lr_schedule: { name: 'cosine', min_lr: 0 },
        pipeline: { schedule: '1f1b' },
      },
    });
  });

  it('put one sample in a micro-batch, as a run does, unless it or they say a number', () => {
    const parts = (...overrides: string[]): unknown =>
      phasesOf(parse(curriculum, ...overrides)).map(({ run }) => run.pipeline.micro_batches);
    expect(parts()).toEqual([16, 1]);
    expect(parts('phases[0].pipeline.micro_batches=4')).toEqual([4, 1]);
    expect(parts('pipeline.micro_batches=auto')).toEqual(['auto', 'auto']);
  });

  it('have no phases of their own, and only what the schema of a run has', () => {
    fc.assert(
      fc.property(arbitraryCurriculum, (run) => {
        const phases = phasesOf(run);
        expect(phases).toHaveLength(run.phases!.length);
        for (const { run: own } of phases) {
          expect(own.phases).toBeUndefined();
          expect(parse(formatRunFile(own))).toEqual(own);
        }
      }),
    );
  });

  it('have no fault where the run that they change has none', () => {
    fc.assert(
      fc.property(arbitraryCurriculum, (run) => {
        expect(crossChecks(run)).toEqual([]);
      }),
    );
  });

  it('are the same from the file that a run leaves behind', () => {
    fc.assert(
      fc.property(arbitraryCurriculum, (run) => {
        expect(phasesOf(parse(formatRunFile(run)))).toEqual(phasesOf(run));
      }),
    );
  });

  it('leave what no phase says as it is in the run', () => {
    fc.assert(
      fc.property(arbitraryCurriculum, (run) => {
        for (const { run: own } of phasesOf(run))
          expect({ seed: own.seed, model: own.model, engine: own.engine, train: own.data.train }).toEqual({
            ...{ seed: run.seed, model: run.model, engine: run.engine, train: run.data.train },
          });
      }),
    );
  });
});

describe('what is wrong with a phase', () => {
  it('is told with the key of the phase and its line', () => {
    expect(faultOf(curriculum.replace('[16, 16, 16]', '[16, 18, 16]'))).toMatch(
      /line \d+, phases\[0\]\.data\.patch_size: \[16, 18, 16\] cannot be halved/,
    );
    expect(faultOf(curriculum, 'phases[1].training.batch_size=0')).toContain(
      'command line, phases[1].training.batch_size: 0 is not allowed',
    );
    expect(faultOf(curriculum, 'phases[1].training.early_stop.patience=2')).toContain(
      'command line, phases[1].training.early_stop: there are no validation cases to go by',
    );
  });

  it('is told with the key of the phase, too, where the run says it and the phase makes it wrong', () => {
    expect(faultOf(curriculum, 'pipeline.micro_batches=4')).toContain(
      'phases[1].pipeline.micro_batches: 4 micro-batches out of 1 sample',
    );
  });

  it('is told once where the run has it', () => {
    const message = faultOf(curriculum, 'model.out_channels=5');
    expect(message.match(/out_channels/g)).toHaveLength(1);
    expect(message).not.toContain('phases');
  });

  it('is what no phase has, for nothing runs by it', () => {
    expect(phasesOf(parse(curriculum, 'data.patch_size=[7, 7, 7]'))).toHaveLength(2);
  });

  it('is a name that stands twice', () => {
    expect(faultOf(curriculum, 'phases[0].name=phase-2')).toContain(
      'phases[1].name: phase-2 is the name of phases[0], too',
    );
  });

  it('is a key that a phase does not have', () => {
    expect(faultOf(curriculum, 'phases[0].training.epoch=3')).toContain('did you mean phases[0].training.epochs?');
    expect(faultOf(curriculum, 'phases[0].model.depth=3')).toContain('phases[0].model.depth: no such key');
  });
});
