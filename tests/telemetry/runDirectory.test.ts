import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRunFile, parseRunFile } from '../../src/config/loadRunFile.ts';
import { MetricsLog } from '../../src/telemetry/metricsLog.ts';
import {
  createRunDirectory,
  discardIfBarren,
  listFiles,
  RunDirectoryError,
  writeResolvedRun,
} from '../../src/telemetry/runDirectory.ts';
import { exampleText } from '../config/exampleRunFile.ts';
import { run as events } from './events.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lamp-runs-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const run = parseRunFile(exampleText, 'run.yaml');

test('a run never takes the folder of another', () => {
  const runs = join(root, 'deep', 'runs');
  expect([1, 2, 3].map(() => createRunDirectory(runs, 'brain'))).toEqual([
    join(runs, 'brain'),
    join(runs, 'brain-2'),
    join(runs, 'brain-3'),
  ]);
});

test('a folder that cannot be made is told with its path and what to do', () => {
  writeFileSync(join(root, 'file'), '');
  expect(() => createRunDirectory(join(root, 'file'), 'brain')).toThrow(RunDirectoryError);
  expect(() => createRunDirectory(join(root, 'file'), 'brain')).toThrow(/file\/brain.*give another with --output/);
});

test('the run file as resolved loads to the same run, with images that are found from anywhere', () => {
  const directory = createRunDirectory(root, 'brain');
  const path = writeResolvedRun(directory, run, '/images');
  const again = loadRunFile(path, [], { checkFiles: false }).run;
  expect(again).toEqual({
    ...run,
    data: { ...run.data, train: [{ image: '/images/image.nii.gz', label: '/images/label.nii.gz' }] },
  });
});

test('a folder goes away with its run file only where nothing else is in it', () => {
  const directory = createRunDirectory(root, 'brain');
  writeResolvedRun(directory, run, '/');
  writeFileSync(join(directory, 'metrics.jsonl'), '');
  expect(discardIfBarren(directory)).toBe(false);
  expect(listFiles(directory).map(({ name }) => name)).toEqual(['metrics.jsonl', 'run.yaml']);
  rmSync(join(directory, 'metrics.jsonl'));
  expect(discardIfBarren(directory)).toBe(true);
  expect(existsSync(directory)).toBe(false);
});

test('metrics are on disk as soon as they are added, one line a step and a validation', () => {
  const log = new MetricsLog(join(root, 'metrics.jsonl'));
  const lines = () =>
    readFileSync(log.path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; dice?: object });
  for (const event of events) log.add(event);
  expect(lines().map(({ kind }) => kind)).toEqual(['step', 'step', 'validated', 'step', 'step', 'validated']);
  expect(lines().at(-1)?.dice).toEqual({ left: 0.6, right: null });
  log.close();
  log.close();
});

test('a run that has no figures leaves no file for them', () => {
  const log = new MetricsLog(join(root, 'metrics.jsonl'));
  log.add({ kind: 'note', text: 'profiling' });
  log.close();
  expect(existsSync(log.path)).toBe(false);
});
