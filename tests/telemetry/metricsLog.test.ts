import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MetricsLog } from '../../src/telemetry/metricsLog.ts';
import type { TrainEvent } from '../../src/telemetry/trainEvent.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const step = (number: number, loss = number): TrainEvent => ({
  ...{ kind: 'step', step: number, epoch: 1, steps: 9, loss, learningRate: 0.1, seconds: 1, samples: 2 },
});
const refused = (number: number): TrainEvent => ({
  ...{ kind: 'refused', step: number, process: 'coordinator', reasons: { key: 1 } },
});
const finished = (phase: string): TrainEvent => ({
  ...{ kind: 'finished', phase, steps: 2, updates: 2, epochs: 1, seconds: 1, stoppedEarly: false, structures: {} },
});

const linesOf = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; step?: number; loss?: number; phase?: string })
    .map(({ kind, step: number, loss, phase }) => [kind, number, loss, phase].filter((x) => x !== undefined).join(' '));

it('has what is done again after a failure once, and what went before as it was', () => {
  const log = new MetricsLog(join(folder, 'metrics.jsonl'));
  for (const event of [step(1), step(2), finished('small'), step(3), step(4, 40), refused(4), step(5, 50)])
    log.add(event);
  log.add({ kind: 'recovered', step: 3, from: 'memory', seconds: 1, workers: [] });
  for (const event of [step(4), step(5), finished('large')]) log.add(event);
  log.close();
  expect(linesOf(log.path)).toEqual([
    ...[
      'step 1 1',
      'step 2 2',
      'finished small',
      'step 3 3',
      'refused 4',
      'recovered 3',
      'step 4 4',
      'step 5 5',
      'finished large',
    ],
  ]);
});

it('goes on behind a line that was cut off when the process before was killed', () => {
  const log = new MetricsLog(join(folder, 'cut.jsonl'));
  for (const event of [step(1), step(2)]) log.add(event);
  log.close();
  appendFileSync(log.path, '{"kind":"step","st');
  log.add({ kind: 'resumed', step: 1, epoch: 0, checkpoint: 'step-00000001' });
  log.add(step(2, 20));
  log.close();
  expect(linesOf(log.path)).toEqual(['step 1 1', 'resumed 1', 'step 2 20']);
});
