import { expect, it } from 'vitest';
import { formatAction, parseAction, type Action } from '../../src/pipeline/action.ts';
import { walk, type Acts } from '../../src/worker/walk.ts';

const listOf = (...words: readonly string[]) =>
  words.map((word) => ({ action: parseAction(word), needs: [], sends: [] }));

/** Acts that note what was done. */
const acts = (done: string[]): Acts => {
  const note = (act: string, { action }: { action: Action }): void => void done.push(`${act} ${formatAction(action)}`);
  return {
    forward: async (action) => note('forward', action),
    backward: async (action, arrived) => (arrived(), note('backward', action)),
    weights: (action) => note('weights', action),
  };
};

/** A clock that goes on with every look. */
const ticking = (): (() => number) => {
  let time = 0;
  return () => time++;
};

it('a list is walked in its order, each action announced before it is done', async () => {
  const done: string[] = [];
  const doing = async (action: string): Promise<void> => void done.push(`doing ${action}`);
  const words = ['1F0', '1F1', '1B1', '3F0', '1I0', '1W0'];
  const acting = ['forward', 'forward', 'backward', 'forward', 'backward', 'weights'];
  const spans = await walk(listOf(...words), acts(done), {
    signal: new AbortController().signal,
    doing,
    now: ticking(),
  });
  expect(done).toEqual(words.flatMap((word, i) => [`doing ${word}`, `${acting[i]} ${word}`]));
  expect(spans.map(({ action }) => action)).toEqual(words);
  for (const { begin, waited, end } of spans)
    expect([begin, waited, end]).toEqual([begin, waited, end].toSorted((a, b) => a - b));
});

it('a run that ends is left between two actions', async () => {
  const controller = new AbortController();
  const done: string[] = [];
  const doing = async (action: string): Promise<void> => {
    if (action === '0F1') controller.abort(new Error('the run has ended'));
  };
  const walked = walk(listOf('0F0', '0F1', '0F2'), acts(done), { signal: controller.signal, doing, now: ticking() });
  await expect(walked).rejects.toThrow('the run has ended');
  expect(done).toEqual(['forward 0F0', 'forward 0F1']);
});
