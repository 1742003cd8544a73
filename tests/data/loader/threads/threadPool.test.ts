import { afterEach, describe, expect, it } from 'vitest';
import { ThreadPool } from '../../../../src/data/loader/threads/threadPool.ts';
import type { TaskOf } from '../../../../src/data/loader/threads/task.ts';

/** A thread that does what the name of the case says: answer with a number that counts its tasks, crash, leave, or never answer. */
const program = `
  import { parentPort } from 'node:worker_threads';
  let done = 0;
  parentPort.on('message', ({ files }) => {
    if (files.name === 'crash') throw new TypeError('no such thing');
    if (files.name === 'leave') process.exit(3);
    if (files.name === 'never') return;
    parentPort.postMessage({ result: { name: files.name, place: done++ } });
  });
`;
const entry = new URL(`data:text/javascript,${encodeURIComponent(program)}`);

const pools: ThreadPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function poolOf(threads: number): ThreadPool {
  const pool = new ThreadPool(threads, entry);
  pools.push(pool);
  return pool;
}

const task = (name: string): TaskOf<'case'> => ({
  kind: 'case',
  files: { name, images: [`${name}.nii`], label: 'label.nii' },
  options: { classes: ['a', 'b'], transforms: [] },
});

describe('threads', () => {
  it('begin the tasks of an earlier turn first, and those of one turn in the order in which they were asked', async () => {
    const pool = poolOf(1);
    const asked = [
      ['first', 5],
      ['late', 9],
      ['early', 1],
      ['early too', 1],
    ] as const;
    const made = (await Promise.all(asked.map(([name, turn]) => pool.run<'case'>(task(name), turn)))) as unknown as {
      name: string;
      place: number;
    }[];
    const order = made.toSorted((a, b) => a.place - b.place).map(({ name }) => name);
    expect(order).toEqual(['first', 'early', 'early too', 'late']);
  });

  it.each([
    ['crash', 'a thread of the loader crashed while it worked on crash.nii: TypeError: no such thing'],
    ['leave', 'a thread of the loader crashed while it worked on leave.nii: it ended with code 3'],
  ])('that %s end all that is waited for, and whatever is asked later', async (name, message) => {
    const pool = poolOf(2);
    const others = [task('never'), task('waiting')].map((each) => pool.run<'case'>(each, 1));
    const outcome = await Promise.allSettled([pool.run<'case'>(task(name), 0), ...others]);
    // One of the others may have been answered before.
    const reasons = outcome.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
    expect(reasons.length).toBeGreaterThanOrEqual(2);
    for (const reason of reasons) expect(reason).toMatchObject({ name: 'ThreadCrashError', message });
    await expect(pool.run<'case'>(task('later'), 0)).rejects.toThrow(message);
  });

  it('are gone when the pool is closed, and what they were doing is lost', async () => {
    const pool = poolOf(1);
    const lost = pool.run<'case'>(task('never'), 0);
    await Promise.all([expect(lost).rejects.toThrow('the loader has ended'), pool.close()]);
    await expect(pool.run<'case'>(task('later'), 0)).rejects.toThrow('the loader has ended');
  });
});
