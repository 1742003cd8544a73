import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { TimeLimit } from '../../../src/engine/install/timeLimit.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const never = new AbortController().signal;

test('the time is over though memory is collected meanwhile', async () => {
  const collecting = setInterval(collect, 20);
  const limit = new TimeLimit(never, 200);
  try {
    await expect(setTimeout(10_000, undefined, { signal: limit.signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(limit.over).toBe(true);
  } finally {
    clearInterval(collecting);
    limit.clear();
  }
});

test('it aborts with the signal that was given, for its reason, before and after', () => {
  const given = new AbortController();
  const limit = new TimeLimit(given.signal, 60_000);
  given.abort('enough');
  expect([limit.signal.reason, limit.over]).toEqual(['enough', false]);
  limit.clear();
  const late = new TimeLimit(given.signal, 60_000);
  expect(late.signal.reason).toBe('enough');
  late.clear();
});

test('what is cleared never aborts', async () => {
  const given = new AbortController();
  const limit = new TimeLimit(given.signal, 5);
  limit.clear();
  given.abort();
  await setTimeout(50);
  expect(limit.signal.aborted).toBe(false);
});
