import fc from 'fast-check';
import { expect, it } from 'vitest';
import { trainingScheduleNames } from '../../../src/config/scheduleName.ts';
import { describeSubject, subjectsOf } from '../../../src/coordinator/bench/subject.ts';

const limits = { cells: 12, batchSize: 8 };

it('every combination takes its turn behind one worker and what as many independent workers do', () => {
  const { subjects, leftOut } = subjectsOf(
    { workers: [2], microBatches: [4, 8], schedules: ['gpipe', 'zb_v'] },
    limits,
  );
  expect(subjects.map(describeSubject)).toEqual([
    '1 worker, 4 micro-batches',
    '2 workers, 4 micro-batches, independent',
    '2 workers, 4 micro-batches, gpipe',
    '2 workers, 4 micro-batches, zb_v',
    '1 worker, 8 micro-batches',
    '2 workers, 8 micro-batches, independent',
    '2 workers, 8 micro-batches, gpipe',
    '2 workers, 8 micro-batches, zb_v',
  ]);
  expect(leftOut).toEqual([]);
});

it('what does not fit is left out, and why is told', () => {
  const { subjects, leftOut } = subjectsOf(
    { workers: [1, 8], microBatches: [16, 8], schedules: ['1f1b', 'v_1f1b'] },
    limits,
  );
  expect(subjects.map(describeSubject)).toEqual([
    '1 worker, 8 micro-batches',
    '8 workers, 8 micro-batches, independent',
    '8 workers, 8 micro-batches, 1f1b',
  ]);
  const why = leftOut.map(({ subject, why: reason }) => `${describeSubject(subject)}: ${reason}`);
  expect(why).toContain('8 workers, 8 micro-batches, v_1f1b: 16 stages for 12 cells');
  expect(why).toContain('8 workers, 16 micro-batches, 1f1b: 16 micro-batches out of 8 samples (training.batch_size)');
});

it('each subject stands once, and has its single worker and its ceiling beside it', () => {
  const counts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 });
  const schedules = fc.subarray([...trainingScheduleNames], { minLength: 1 });
  fc.assert(
    fc.property(counts, counts, schedules, (workers, microBatches, names) => {
      const { subjects, leftOut } = subjectsOf({ workers, microBatches, schedules: names }, limits);
      const told = subjects.map(describeSubject);
      expect(new Set(told).size).toBe(told.length);
      for (const subject of subjects)
        for (const beside of [1, subject.workers])
          expect(told).toContain(
            describeSubject({ kind: 'independent', workers: beside, microBatches: subject.microBatches }),
          );
      for (const { why } of leftOut) expect(why).not.toBe('');
    }),
  );
});
