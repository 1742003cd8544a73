import { expect, it } from 'vitest';
import { Stable, type Resident } from '../../../src/coordinator/bench/stable.ts';

/** Residents of so many bytes, and what became of them. */
function residents(bytes: Readonly<Record<string, number>>) {
  const log: string[] = [];
  const launch = async (key: string): Promise<Resident> => {
    log.push(`launch ${key}`);
    return {
      peaks: async () => [bytes[key]! / 2, bytes[key]! / 2],
      close: async () => void log.push(`close ${key}`),
    };
  };
  return { log, launch };
}

const turn = async (stable: Stable<string, Resident>, key: string): Promise<boolean> =>
  stable.use(key, async (_, fresh) => fresh);

it('what fits stays alive from round to round', async () => {
  const { log, launch } = residents({ a: 4, b: 4 });
  const stable = new Stable<string, Resident>(10, launch);
  const fresh: boolean[] = [];
  for (const key of ['a', 'b', 'a', 'b']) fresh.push(await turn(stable, key));
  expect(fresh).toEqual([true, true, false, false]);
  await stable.close();
  expect(log).toEqual(['launch a', 'launch b', 'close a', 'close b']);
});

it('where memory is short, what has rested longest makes room before the next is launched', async () => {
  const { log, launch } = residents({ a: 4, b: 4, c: 4 });
  const stable = new Stable<string, Resident>(10, launch);
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await turn(stable, key);
  expect(log).toEqual(['launch a', 'launch b', 'close b', 'launch c', 'close c', 'launch b']);
  expect(stable.alive).toBe(2);
  await stable.close();
});

it('with no memory to spare one is alive at a time', async () => {
  const { log, launch } = residents({ a: 4, b: 4 });
  const stable = new Stable<string, Resident>(0, launch);
  for (const key of ['a', 'b']) await turn(stable, key);
  expect(log).toEqual(['launch a', 'close a', 'launch b']);
  await stable.close();
});

it('one that fails is closed, and launched again at its next turn', async () => {
  const { log, launch } = residents({ a: 4 });
  const stable = new Stable<string, Resident>(10, launch);
  await expect(stable.use('a', () => Promise.reject(new Error('out of memory')))).rejects.toThrow('out of memory');
  expect(await turn(stable, 'a')).toBe(true);
  await stable.close();
  expect(log).toEqual(['launch a', 'close a', 'launch a', 'close a']);
});
