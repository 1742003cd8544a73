import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import {
  barReporter,
  jsonReporter,
  lineReporter,
  progressReporter,
  type Reporter,
} from '../../src/telemetry/reporter.ts';
import { run } from './events.ts';

function collect(make: (output: { write(text: string): void }) => Reporter): string {
  let written = '';
  const reporter = make({ write: (text) => void (written += text) });
  for (const event of run) reporter.report(event);
  reporter.stop();
  return written;
}

test('where nobody watches, lines come a while apart, and validations at once', () => {
  let now = 0;
  const written = collect((output) => lineReporter(output, 5, () => (now += 2)));
  expect(written.split('\n')).toEqual([
    '22,906,650 parameters on 2 workers, 4 steps',
    'worker   pid  from       to         cost  device',
    '     0  4001  encoder.0  encoder.2   52%  CPU, 1 thread',
    '     1  4002  decoder.0  head        48%  CPU, 1 thread',
    'epoch 1/2  step 1/4  loss 1.00  2.0 samples/s  6 s left',
    'epoch 1: validated in 1 s, mean Dice 0.300, the best so far',
    'epoch 2/2  step 3/4  loss 0.611  Dice 0.300  2.0 samples/s  3 s left',
    'epoch 2/2  step 4/4  loss 0.521  Dice 0.300  2.0 samples/s  0 s left',
    'epoch 2: validated in 1 s, mean Dice 0.600, the best so far',
    '',
  ]);
});

test('a program reads one JSON object a line, an event each', () => {
  const events = collect(jsonReporter)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string });
  expect(events.map((event) => event.kind)).toEqual(run.map((event) => event.kind));
});

test('on a terminal a bar is drawn, other events stand above it, and the cursor comes back', () => {
  let written = '';
  const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
  terminal.on('data', (chunk: Buffer) => void (written += chunk.toString()));
  const reporter = barReporter(terminal);
  for (const event of run) reporter.report(event);
  reporter.stop();
  reporter.stop();
  expect(written).toContain('█');
  expect(written).toContain('step 4/4');
  expect(written).toContain('mean Dice 0.600');
  expect(written.lastIndexOf('\u001b[?25h')).toBeGreaterThan(written.lastIndexOf('\u001b[?25l'));
});

test('only a terminal gets a bar', () => {
  expect(collect(progressReporter)).not.toContain('\u001b');
});
