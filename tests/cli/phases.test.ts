import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { services } from '../../src/cli/services.ts';
import type { RunPlan } from '../../src/coordinator/planFor.ts';
import { traceSchema } from '../../src/telemetry/trace.ts';
import { exampleText } from '../config/exampleRunFile.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lamp, lampWith } from './lamp.ts';

const folder = temporaryFolder();
const timeout = 60_000;
const machine = fileURLToPath(new URL('../../examples/machines/h100x8.yaml', import.meta.url));
const runFile = join(folder, 'run.yaml');
const phases = `phases:
  - { name: small, data: { patch_size: [16, 16, 16] }, training: { batch_size: 8 } }
  - { name: large, pipeline: { schedule: 1f1b } }
`;
writeFileSync(runFile, exampleText + phases);
const alone = join(folder, 'alone.yaml');
writeFileSync(alone, exampleText);

type Planned = RunPlan & { readonly phase: string };
const plan = (...words: string[]): ReturnType<typeof lamp> => lamp('plan', runFile, '--simulate', machine, ...words);

describe('lamp plan of a run with phases', () => {
  it('plans every one of them', { timeout }, () => {
    const { code, out } = plan('--workers', '2', '--json');
    expect(code).toBe(0);
    const planned = JSON.parse(out) as Planned[];
    expect(planned.map((each) => [each.phase, each.batchSize, each.microBatches, each.schedule])).toEqual([
      ['small', 8, 8, 'gpipe'],
      ['large', 4, 4, '1f1b'],
    ]);
    const told = plan('--workers', '2').out;
    expect(told.indexOf('Phase small, 1 of 2')).toBe(0);
    expect(told.indexOf('Phase large, 2 of 2')).toBeGreaterThan(0);
  });

  it('plans the one that is named', { timeout }, () => {
    const { out } = plan('--workers', '2', '--phase', 'large', '--json');
    expect(JSON.parse(out)).toMatchObject({ phase: 'large', schedule: '1f1b' });
  });

  it('says which there are where it is given another', { timeout }, () => {
    expect(plan('--phase', 'huge')).toMatchObject({
      code: 2,
      err: expect.stringContaining('give one of small, large'),
    });
    expect(lamp('plan', alone, '--phase', 'huge').err).toContain('the run file has no phases');
  });

  it('lays a step of each in one trace, one after the other', { timeout }, () => {
    const file = join(folder, 'plan.json');
    expect(plan('--workers', '2', '--trace', file).code).toBe(0);
    const { traceEvents } = traceSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    const slices = traceEvents.flatMap((event) => (event.ph === 'X' ? [event] : []));
    expect([...new Set(slices.map(({ args }) => args['phase']))]).toEqual(['small', 'large']);
    const of = (phase: string) => slices.filter(({ args }) => args['phase'] === phase);
    const ends = of('small').map(({ ts, dur }) => ts + dur);
    expect(Math.max(...ends)).toBeLessThanOrEqual(Math.min(...of('large').map(({ ts }) => ts)) + 1);
  });

  it('says which of them does not fit, having shown all', { timeout }, () => {
    const { code, out, err } = plan('--workers', '2', '--set', 'phases[1].pipeline.memory=1MB');
    expect([code, out]).toEqual([2, expect.stringContaining('Phase large, 2 of 2')]);
    expect(err).toContain('phase large (phases[1]): nothing fits');
  });
});

it('lamp profile measures phase by phase', async () => {
  const asked: unknown[] = [];
  const profileRun: typeof services.profileRun = async ({ run }) => {
    asked.push(run.data.patch_size);
    return [];
  };
  const files = ['image.nii.gz', 'label.nii.gz'].map((name) => join(folder, name));
  for (const file of files) writeFileSync(file, '');
  const run = (...words: string[]): ReturnType<typeof lampWith> =>
    lampWith({ ...services, profileRun }, 'profile', runFile, ...words);
  expect((await run()).code).toBe(0);
  expect(asked).toEqual([
    [16, 16, 16],
    [48, 48, 48],
  ]);
  const { code, err } = await run('--output', join(folder, 'profile.json'));
  expect([code, err]).toEqual([2, expect.stringContaining('say which with --phase')]);
  expect((await run('--output', join(folder, 'profile.json'), '--phase', 'small')).code).toBe(0);
});
