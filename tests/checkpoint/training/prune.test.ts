import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { FoundCheckpoint, WholeCheckpoint } from '../../../src/checkpoint/training/inventory.ts';
import { listCheckpoints } from '../../../src/checkpoint/training/inventory.ts';
import { folderOfStep } from '../../../src/checkpoint/training/names.ts';
import { checkpointsToRemove, pruneCheckpoints } from '../../../src/checkpoint/training/prune.ts';
import { disposeWriter } from '../../../src/checkpoint/training/writer.ts';
import { runFolder, writeCheckpoint } from '../../support/checkpoints.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const manifest: WholeCheckpoint['manifest'] = {
  ...{ version: 1, created: '2026-01-01T00:00:00.000Z', step: 0, epoch: 0 },
  ...{ files: [], layout: { workers: 1, replicas: 1 }, state: null },
};

const found = (step: number, status: FoundCheckpoint['status']): FoundCheckpoint => {
  const path = folderOfStep('run', step);
  return status === 'whole'
    ? { status, step, path, manifest }
    : { status, step, path, file: 'manifest.json', problem: 'is missing' };
};

describe('what can go', () => {
  const statuses = fc.constantFrom('whole', 'damaged', 'unfinished');
  const step = fc.nat(40);
  const cases = fc.record({
    all: fc.uniqueArray(fc.tuple(step, statuses), { selector: ([at]) => at, maxLength: 12 }),
    keep: fc.integer({ min: 0, max: 5 }),
    keepAlso: fc.array(step, { maxLength: 4 }),
    writing: fc.array(step, { maxLength: 2 }),
  });
  const expectAlways = (
    check: (all: readonly FoundCheckpoint[], gone: ReadonlySet<FoundCheckpoint>, rules: Rules) => void,
  ) =>
    fc.assert(
      fc.property(cases, ({ all: drawn, ...rules }) => {
        const all = drawn.map(([at, status]) => found(at, status));
        check(all, new Set(checkpointsToRemove(all, rules)), rules);
      }),
    );
  type Rules = { readonly keep: number; readonly keepAlso: readonly number[]; readonly writing: readonly number[] };
  const whole = (all: Iterable<FoundCheckpoint>): readonly number[] =>
    [...all].flatMap((each) => (each.status === 'whole' ? [each.step] : [])).toSorted((a, b) => b - a);

  test('is never one of the newest whole ones', () =>
    expectAlways((all, gone, { keep }) => {
      for (const at of whole(all).slice(0, Math.max(1, keep))) expect(whole(gone)).not.toContain(at);
    }));

  test('is every other whole one, but for those that are to stay or are being written', () =>
    expectAlways((all, gone, { keep, keepAlso, writing }) => {
      const others = whole(all).slice(Math.max(1, keep));
      expect(whole(gone)).toEqual(others.filter((at) => !keepAlso.includes(at) && !writing.includes(at)));
    }));

  test('is nothing that is being written or is to stay, whatever it looks like', () =>
    expectAlways((_, gone, { keepAlso, writing }) => {
      for (const { step: at } of gone) expect([...keepAlso, ...writing]).not.toContain(at);
    }));

  test('is nothing newer than the newest whole one, and nothing at all where none is whole', () =>
    expectAlways((all, gone) => {
      const newest = whole(all)[0] ?? -1;
      for (const { step: at } of gone) expect(at).toBeLessThan(newest);
    }));

  test('is all that was never finished before the newest whole one', () =>
    expectAlways((all, gone, { keepAlso, writing }) => {
      const newest = whole(all)[0] ?? -1;
      for (const each of all)
        if (each.status === 'unfinished' && each.step! < newest && ![...keepAlso, ...writing].includes(each.step!))
          expect(gone).toContain(each);
    }));

  test('is a damaged one only when it is older than all that are kept by their number', () =>
    expectAlways((all, gone, { keep }) => {
      const oldest = whole(all).slice(0, Math.max(1, keep)).at(-1) ?? -1;
      for (const { status, step: at } of gone) if (status === 'damaged') expect(at).toBeLessThan(oldest);
    }));

  test('may go in any order: what goes first changes nothing about the rest', () =>
    expectAlways((all, gone, rules) => {
      const [first] = gone;
      const rest = checkpointsToRemove(
        all.filter((each) => each !== first),
        rules,
      );
      expect(new Set(rest)).toEqual(new Set([...gone].slice(1)));
    }));
});

describe('on disk', () => {
  const root = temporaryFolder();
  afterAll(disposeWriter);

  test('what can go is gone, and the rest is as it was', async () => {
    const run = runFolder(root, 'run');
    for (const step of [1, 2, 3, 4, 5, 6, 7]) await writeCheckpoint(run, step);
    appendFileSync(join(folderOfStep(run, 6), 'worker-0.safetensors'), 'x');
    for (const step of [3, 5]) rmSync(join(folderOfStep(run, step), 'manifest.json'));
    const gone = await pruneCheckpoints(run, { keep: 2, keepAlso: [1], writing: [5] });
    expect(gone.map(({ path }) => basename(path))).toEqual(['step-00000003', 'step-00000002']);
    expect((await listCheckpoints(run)).map(({ step, status }) => [step, status])).toEqual([
      [7, 'whole'],
      [6, 'damaged'],
      [5, 'unfinished'],
      [4, 'whole'],
      [1, 'whole'],
    ]);
    expect(gone.map(({ path }) => existsSync(path))).toEqual([false, false]);
  });
});
