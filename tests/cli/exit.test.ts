import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { exitCodeOf, explainError, InputError, InterruptedError } from '../../src/cli/exit.ts';
import { RunFailure } from '../../src/coordinator/errors.ts';
import { NiftiError } from '../../src/data/nifti/niftiError.ts';

const failure = new RunFailure('worker 1', {
  stages: [1],
  during: '1B3',
  step: 2,
  output: 'corrupted size\nAborted\n',
  cause: new Error('it was killed by SIGABRT'),
});

test.each([
  ['a usage error', new CommanderError(1, 'commander.unknownOption', ''), 2],
  ['a help', new CommanderError(0, 'commander.helpDisplayed', ''), 0],
  ['an input', new InputError('no'), 2],
  ['an image', new NiftiError('a.nii', 'truncated', 'ends early', 'Copy it again.'), 2],
  ['Ctrl-C', new InterruptedError('SIGINT'), 130],
  ['SIGTERM', new InterruptedError('SIGTERM'), 143],
  ['a worker', failure, 1],
  ['a surprise', new TypeError('x is undefined'), 1],
  ['something that is no error', 'no', 1],
])('the exit code says that it was %s', (_, error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});

test('a failed worker is told once, with its last words', () => {
  expect(explainError(failure, { stack: false })).toBe(
    'worker 1 (stage 1) failed in step 2 during 1B3: it was killed by SIGABRT\n' +
      '  its last words:\n    corrupted size\n    Aborted',
  );
});

test('causes are told where the message does not say them already', () => {
  const error = new InputError('cannot go on', { cause: new Error('no space', { cause: new Error('no space') }) });
  expect(explainError(error, { stack: false })).toBe('cannot go on\n  because no space');
});

test('a surprise says how to see more, and then shows it', () => {
  const error = new TypeError('x is undefined');
  expect(explainError(error, { stack: false })).toBe('x is undefined\n(unexpected: --verbose shows where)');
  expect(explainError(error, { stack: true })).toContain('exit.test.ts');
});
