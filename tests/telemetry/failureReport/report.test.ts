import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { FailureFacts, ProcessFacts } from '../../../src/telemetry/failureReport/facts.ts';
import { formatFailureReport } from '../../../src/telemetry/failureReport/format.ts';
import { RecentActions } from '../../../src/telemetry/failureReport/recentActions.ts';
import { rewriteFailureReport, writeFailureReport } from '../../../src/telemetry/failureReport/write.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const root = temporaryFolder();
const failed = Date.UTC(2026, 10, 24, 9);
const worker = (k: number, more: Partial<ProcessFacts> = {}): ProcessFacts => ({
  ...{ name: `worker ${k}`, pid: 70 + k, host: 'gpu3', stages: [k], doing: `${k}F2`, step: 12, pulse: 'waiting' },
  ...{ silent: 400, recent: [], ...more },
});
const facts: FailureFacts = {
  ...{ version: 1, time: new Date(failed).toISOString(), run: 'brain9' },
  failure: {
    ...{ peer: 'worker 1', stages: [1], step: 12, during: '1B0', output: 'F tensorflow: out of memory' },
    causes: [
      { name: 'Error', message: 'its process was ended by SIGABRT' },
      { name: 'RangeError', message: 'too far', stack: 'RangeError: too far\n    at walk (walk.ts:3)' },
    ],
  },
  processes: [
    worker(0, {
      memory: { tensors: 41, bytes: 3.5e9, peakResident: 8e9 },
      recent: [
        { action: '0F1', step: 12, began: failed - 250, ended: failed - 130 },
        { action: '0F2', step: 12, began: failed - 130 },
      ],
    }),
    worker(1, { doing: '1B0' }),
  ],
  machine: { host: 'gpu3', cores: 16, load: 3.25, memory: 128e9, free: 2e9, resident: 2e8 },
  versions: { lamp: '0.1.0', node: '20.19.0' },
  layout: {
    ...{ workers: 2, microBatches: 4, recompute: 'never' },
    stages: [
      { worker: 0, cells: ['input', 'down.1'] },
      { worker: 1, cells: ['up.1', 'output'] },
    ],
  },
  outcome: { kind: 'undecided' },
};

describe('the report of a failure', () => {
  it('is text that begins with what failed, and says why, what all were at, and what was done', () => {
    expect(formatFailureReport(facts)).toMatchSnapshot();
  });

  it('says what was done about it once that is known', () => {
    const recovered = { kind: 'recovered', from: 'memory, step 10', how: 'on 2 workers', seconds: 2 } as const;
    expect(formatFailureReport({ ...facts, outcome: recovered })).toContain(
      'recovered from memory, step 10, on 2 workers, in 2 s',
    );
    expect(formatFailureReport({ ...facts, outcome: { kind: 'ended', why: 'the same again' } })).toContain(
      'the run ended: the same again',
    );
  });

  it('lies in its folder under the next number, whole, as data and as text', () => {
    const folder = join(root, 'failures');
    const first = writeFailureReport(folder, facts);
    writeFailureReport(folder, { ...facts, failure: { ...facts.failure, peer: 'loader' } });
    const names = ['0001-worker-1.json', '0001-worker-1.txt', '0002-loader.json', '0002-loader.txt'];
    expect(readdirSync(folder).toSorted()).toEqual(names);
    expect(JSON.parse(readFileSync(first.json, 'utf8'))).toEqual(facts);
    const known: FailureFacts = { ...facts, outcome: { kind: 'ended', why: 'enough' } };
    rewriteFailureReport(first, known);
    expect(readFileSync(first.text, 'utf8')).toBe(formatFailureReport(known));
    expect(readdirSync(folder).toSorted()).toEqual(names);
  });

  it('that cannot be written leaves no part of itself', () => {
    const folder = join(root, 'hindered');
    mkdirSync(join(folder, '0001-worker-1.json'), { recursive: true });
    writeFileSync(join(folder, '0001-worker-1.json', 'in the way'), '');
    expect(() =>
      rewriteFailureReport({ json: join(folder, '0001-worker-1.json'), text: join(folder, 'x.txt') }, facts),
    ).toThrow('EISDIR');
    expect(readdirSync(folder)).toEqual(['0001-worker-1.json']);
  });
});

test('of the actions of a process the last ones are kept, one after the other', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 40 }), fc.integer({ min: 1, max: 25 }), (durations, kept) => {
      const recent = new RecentActions(kept);
      let now = 0;
      durations.forEach((duration, i) => recent.begin(`0F${i}`, i, (now += duration)));
      const all = durations.map((_, i) => `0F${i}`).slice(-kept);
      expect(recent.list.map(({ action }) => action)).toEqual(all);
      recent.list.slice(1).forEach(({ began }, i) => expect(recent.list[i]!.ended).toBe(began));
      expect(recent.list.at(-1)?.ended).toBeUndefined();
      recent.end(now + 1);
      recent.end(now + 5);
      if (all.length > 0) expect(recent.list.at(-1)!.ended).toBe(now + 1);
    }),
  );
});
