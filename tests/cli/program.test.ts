import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { exampleText } from '../config/exampleRunFile.ts';
import { lamp } from './lamp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamp-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the help lists the commands, the exit codes and an example', () => {
  const { code, out } = lamp('--help');
  expect(code).toBe(0);
  for (const word of [
    'train',
    'profile',
    'plan',
    'predict',
    'parity',
    'doctor',
    'setup',
    'Exit codes:',
    '130',
    'LAMP_CACHE',
    'Example:',
  ])
    expect(out).toContain(word);
});

test.each(['train', 'profile', 'plan', 'predict', 'parity', 'doctor', 'setup'])(
  'lamp %s --help has an example',
  (command) => {
    const { code, out } = lamp(command, '--help');
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples?:\\s+\\$? ?(npx )?lamp ${command}`));
  },
);

test.each([
  ['an unknown command', ['trian'], "unknown command 'trian'\n(Did you mean train?)"],
  ['an unknown option', ['train', 'run.yaml', '--worker', '2'], "unknown option '--worker'\n(Did you mean --workers?)"],
  ['a missing argument', ['plan'], "missing required argument 'run.yaml'"],
  ['a missing option', ['predict', '--run', 'runs/x'], "required option '--input <image>' not specified"],
  ['a bad number', ['parity', 'a.safetensors', '--workers', 'two'], 'Give a whole number of at least 1.'],
  ['a bad choice', ['parity', 'a', '--recompute', 'sometimes'], 'Allowed choices are always, except_last, never.'],
  [
    'no machine',
    ['plan', 'examples/brain9/run.yaml', '--simulate', 'absent.yaml'],
    'absent.yaml does not describe a machine',
  ],
  [
    'more workers than the machine has',
    ['plan', 'examples/brain9/run.yaml', '--simulate', 'examples/machines/2xcpu.yaml', '--workers', '3'],
    'pipeline.workers: 3 workers, but 2 × one core has 2; allowed are 1 to 2: --workers 2',
  ],
  ['no profile', ['plan', 'examples/brain9/run.yaml', '--profile', 'absent.json'], 'absent.json is no profile'],
  ['no file', ['parity', 'absent.safetensors'], 'absent.safetensors: there is no such file or folder'],
  ['no run file', ['train', 'absent.yaml'], 'absent.yaml: there is no such run file'],
  [
    'no run',
    ['predict', '--run', 'absent', '--input', 'a.nii', '--output', 'b.nii'],
    '--run absent: there is no run.yaml in it',
  ],
])('%s is a usage error, told on stderr', (_, words, message) => {
  const { code, out, err } = lamp(...words);
  expect(err).toContain(message);
  expect(err).not.toMatch(/^\s+at /m);
  expect(out).toBe('');
  expect(code).toBe(2);
});

test('a wrong run file is told whole, before anything starts; --verbose shows where', () => {
  const path = join(folder, 'run.yaml');
  writeFileSync(path, exampleText.replace('epochs: 3', 'epochs: 0'));
  const { code, err } = lamp('train', path, '--workers', '0');
  expect(code).toBe(2);
  expect(err).toBe(
    `✗ ${path}: 2 faults\n` +
      '  line 13, training.epochs: 0 is not allowed; give a whole number of at least 1\n' +
      '  command line, pipeline.workers: 0 is not allowed; give a whole number of at least 1 or auto\n',
  );
  expect(lamp('train', path, '--verbose').err).toMatch(/^\s+at /m);
});

test('no command at all shows the help and is a usage error', () => {
  const { code, err } = lamp();
  expect(code).toBe(2);
  expect(err).toContain('Usage: lamp');
});
