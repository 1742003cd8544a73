import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ParityResult, Services } from '../../src/cli/services.ts';
import { lampWith } from './lamp.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamp-parity-'));
  for (const name of ['loss.safetensors', 'train.safetensors', 'notes.txt']) writeFileSync(join(folder, name), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

const errors = [
  { tensors: 'output', worst: 'output', error: 1.2e-6, tolerance: 5e-5, agrees: true },
  { tensors: 'grad', worst: 'head.0.conv.weight', error: 0.02, tolerance: 5e-3, agrees: false },
];

/** Runs nothing: a case has the kind of its name, and ends as told. */
const parityLike =
  (status: ParityResult['status']): Services['runParity'] =>
  async (files, _, report) =>
    files.map((file) => {
      const kind = file.includes('train') ? 'train' : 'loss';
      const found = status === 'skipped' ? [] : status === 'agrees' ? errors.slice(0, 1) : errors;
      const result = { file, kind, case: kind, status, errors: found, seconds: 2, reason: 'not known here' };
      report(result);
      return result;
    });

test('every kind of tensor stands with its error, its tolerance and its worst', async () => {
  const { code, out } = await lampWith(
    { runParity: parityLike('differs') },
    'parity',
    join(folder, 'train.safetensors'),
    '--workers',
    '2',
  );
  expect(out).toBe(
    [
      'train (train, 2 workers): differs, 2 s',
      '  tensors   error  tolerance           worst',
      '  output   1.2e-6     5.0e-5  ok       output',
      '  grad     2.0e-2     5.0e-3  DIFFERS  head.0.conv.weight',
      '0 agree, 1 differ, 0 skipped',
      '',
    ].join('\n'),
  );
  expect(code).toBe(1);
});

test('all that agree are success; a folder stands for its cases; only training is run for every number of workers', async () => {
  const { code, out } = await lampWith({ runParity: parityLike('agrees') }, 'parity', folder, '--workers', '1,2,3');
  expect(code).toBe(0);
  expect(out.match(/^train \(train, \d workers?\)/gm)).toEqual([
    'train (train, 1 worker)',
    'train (train, 2 workers)',
    'train (train, 3 workers)',
  ]);
  expect(out.match(/^loss \(loss\)/gm)).toHaveLength(1);
  expect(out).toMatch(/4 agree, 0 differ, 0 skipped\n$/);
});

test('where no case could be run, that is no success', async () => {
  const { code, out } = await lampWith({ runParity: parityLike('skipped') }, 'parity', folder);
  expect(code).toBe(1);
  expect(out).toContain('loss (loss): skipped, not known here');
  expect(out).toContain('0 agree, 0 differ, 2 skipped: no case was run');
});

test('--json prints one object a case', async () => {
  const { out } = await lampWith({ runParity: parityLike('agrees') }, 'parity', folder, '--json');
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ParityResult);
  expect(lines.map(({ kind, status }) => [kind, status])).toEqual([
    ['loss', 'agrees'],
    ['train', 'agrees'],
  ]);
});
