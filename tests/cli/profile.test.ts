import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { engineCache } from '../../src/engine/install/location.ts';
import { parseProfile, type Profile } from '../../src/partition/profile.ts';
import { smallRun, writeRun } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const timeout = 120_000;
const cache = join(folder, 'cache');
let runFile: string;
beforeAll(async () => {
  runFile = await writeRun(folder);
  mkdirSync(cache);
  // The engine that is there, and nothing that was measured before.
  symlinkSync(join(engineCache(), 'engine'), join(cache, 'engine'));
});

async function lamp(...words: readonly string[]): Promise<LampProcess> {
  const process = new LampProcess(words, { LAMP_CACHE: cache });
  await process.ended;
  return process;
}

interface Measured {
  readonly profile: Profile;
  readonly file: string;
  readonly cells: readonly { readonly parameters: number; readonly outputBytes: number }[];
}
const measuredBy = (process: LampProcess): Measured[] => JSON.parse(process.out) as Measured[];

interface Stage {
  readonly from: string;
  readonly to: string;
  readonly worker: number;
}

describe('lamp profile', () => {
  const output = join(folder, 'profile.json');
  let first: LampProcess;
  beforeAll(async () => {
    first = await lamp('profile', runFile, '--json', '--output', output);
  }, timeout);

  it('measures every cell, both halves of its backward pass, the loss, the update and the links', async () => {
    expect([await first.ended, first.err]).toEqual([0, '']);
    const [{ profile, cells }] = measuredBy(first) as [Measured];
    expect(profile.input_shape).toEqual([1, 12, 16, 16, 1]);
    expect(profile.cells).toHaveLength(cells.length);
    expect(profile.cells.every(({ forward, backward }) => forward >= 0 && backward >= 0)).toBe(true);
    expect(profile.cells.some(({ forward, backward }) => forward > 0 && backward > 0)).toBe(true);
    expect(profile.cells.slice(1).some((cell) => cell.backward_input > 0)).toBe(true);
    for (const { forward, spread } of profile.cells) {
      expect(spread.forward[0]).toBeLessThanOrEqual(forward);
      expect(spread.forward[1]).toBeGreaterThanOrEqual(forward);
    }
    // What takes less than waiting for the device does may come out as nothing.
    expect([profile.loss_milliseconds, profile.update_per_million].every((each) => each >= 0)).toBe(true);
    expect(profile.workers).toHaveLength(2);
    expect(profile.links.map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(profile.links.every((link) => link.bytes_per_ms > 0 && link.copy_bytes_per_ms > 0)).toBe(true);
  });

  it('keeps what it found in the cache, and writes it where it was told to', () => {
    const [{ profile, file }] = measuredBy(first) as [Measured];
    expect(file.startsWith(cache)).toBe(true);
    for (const path of [file, output]) expect(parseProfile(readFileSync(path, 'utf8'), path)).toEqual(profile);
  });

  it(
    'does not measure again what it knows, unless told to; another number of workers is another thing',
    { timeout },
    async () => {
      const [again, forced, alone] = [
        await lamp('profile', runFile, '--json'),
        await lamp('profile', runFile, '--json', '--force'),
        await lamp('profile', runFile, '--json', '--workers', '1'),
      ];
      expect(again.out).toBe(first.out);
      expect(measuredBy(forced)[0]!.file).toBe(measuredBy(first)[0]!.file);
      expect(measuredBy(forced)[0]!.profile.cells).not.toEqual(measuredBy(first)[0]!.profile.cells);
      expect(measuredBy(alone)[0]!.file).not.toBe(measuredBy(first)[0]!.file);
      expect(measuredBy(alone)[0]!.profile.links).toEqual([]);
    },
  );

  it('prints tables for people', { timeout }, async () => {
    const { out } = await lamp('profile', runFile);
    for (const text of ['2 workers at the same time', 'encoder.0.Conv.conv', 'together', 'worker 0 → 1', 'kept in'])
      expect(out).toContain(text);
  });

  it('where the number of micro-batches is to be chosen measures two sizes', { timeout }, async () => {
    const measured = measuredBy(await lamp('profile', runFile, '--json', '--micro-batches', 'auto'));
    expect(measured.map(({ profile }) => profile.input_shape[0])).toEqual([1, 2]);
  });

  it('is what a plan goes by, and refused for another network', { timeout }, async () => {
    const plan = await lamp('plan', runFile, '--profile', output);
    expect([await plan.ended, plan.err]).toEqual([0, '']);
    expect(plan.out).toContain('as measured');
    const other = await lamp('plan', runFile, '--profile', output, '--set', 'model.n_feat=8');
    expect([await other.ended, other.out]).toEqual([2, '']);
    expect(other.err).toContain(`${output} does not hold for this run: model.n_feat was 4, and is 8`);
  });

  it.each(['auto', 'v_1f1b'])(
    'with schedule %s, what lamp plan shows is what lamp train does',
    { timeout },
    async (schedule) => {
      const file = join(folder, `${schedule}.yaml`);
      const run = smallRun();
      writeFileSync(file, stringify({ ...run, pipeline: { workers: 2, schedule, recompute: 'auto' } }));
      const flags = ['--set', 'training.epochs=1', '--set', 'data.validation=[]'];
      const plan = JSON.parse((await lamp('plan', file, '--json')).out) as {
        readonly source: { readonly kind: string };
        readonly schedule: string;
        readonly microBatches: number;
        readonly recompute: string;
        readonly stages: readonly Stage[];
      };
      expect(plan.source.kind).toBe('measured');
      const train = await lamp('train', file, '--json', '--output', join(folder, 'runs'), ...flags);
      expect([await train.ended, train.err]).toEqual([0, '']);
      const [launched] = train.events<{
        readonly workers: readonly { worker: number; stages: readonly { stage: number; cells: readonly string[] }[] }[];
      }>('launched');
      const laid = launched!.workers.flatMap(({ worker, stages }) =>
        stages.map(({ stage, cells: [from, to] }) => ({ stage, worker, from, to })),
      );
      expect(laid.toSorted((a, b) => a.stage - b.stage)).toEqual(
        plan.stages.map(({ worker, from, to }, stage) => ({ stage, worker, from, to })),
      );
      const note = train.events<{ readonly text: string }>('note').find(({ text }) => text.startsWith('chosen'));
      const { microBatches, recompute } = plan;
      expect(note!.text).toContain(
        `chosen: schedule ${plan.schedule}, micro-batches ${microBatches}, recomputation ${recompute}; predicted `,
      );
    },
  );
});
