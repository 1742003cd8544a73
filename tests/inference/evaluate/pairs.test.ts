import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pairCases, PairingError } from '../../../src/inference/evaluate/pairs.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lamp-pairs-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function folderOf(name: string, ...files: readonly string[]): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const file of files) writeFileSync(join(path, file), '');
  return path;
}

test('files with one name are a case, whatever their endings', () => {
  const predictions = folderOf('predictions', 'b.nii.gz', 'a.nii.gz', 'notes.txt');
  const truths = folderOf('truths', 'a.nii', 'b.npy');
  expect(pairCases(predictions, truths)).toEqual({
    pairs: [
      { name: 'a', prediction: join(predictions, 'a.nii.gz'), truth: join(truths, 'a.nii') },
      { name: 'b', prediction: join(predictions, 'b.nii.gz'), truth: join(truths, 'b.npy') },
    ],
    failed: [],
  });
});

test('a prediction that is named by the first channel of its image belongs to the case; probabilities belong to none', () => {
  const predictions = folderOf('predictions', 'a_0000.nii.gz', 'b_0000.nii.gz', 'a_0000_probabilities.nii.gz');
  const { pairs, failed } = pairCases(predictions, folderOf('truths', 'a.nii.gz', 'b_0000.nii.gz'));
  expect([pairs.map(({ name }) => name), failed]).toEqual([['a', 'b_0000'], []]);
});

test('what has no partner, or several, is told by name and loses no other', () => {
  const predictions = folderOf('predictions', 'a.nii.gz', 'c.nii.gz', 'd.nii', 'd.nii.gz');
  const truths = folderOf('truths', 'a.nii.gz', 'b.nii.gz', 'd.nii.gz');
  const { pairs, failed } = pairCases(predictions, truths);
  expect(pairs.map(({ name }) => name)).toEqual(['a']);
  expect(failed).toEqual([
    { name: 'b', error: `there is no prediction of this name in ${predictions}` },
    { name: 'c', error: `there is no truth of this name in ${truths}` },
    { name: 'd', error: expect.stringContaining('several files have this name') },
  ]);
});

test('a file and a folder, a folder without volumes, and what is not there are refused', () => {
  const file = join(folderOf('predictions', 'a.nii.gz'), 'a.nii.gz');
  const empty = folderOf('empty', 'readme.txt');
  for (const [prediction, truth] of [
    [file, empty],
    [empty, empty],
    [join(folder, 'absent'), empty],
  ] as const)
    expect(() => pairCases(prediction, truth)).toThrow(PairingError);
});
