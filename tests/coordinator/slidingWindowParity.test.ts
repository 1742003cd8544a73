import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runParity } from '../../src/coordinator/parity/index.ts';

const folder = fileURLToPath(new URL('../fixtures/golden/', import.meta.url));
const cases = readdirSync(folder).filter((name) => name.startsWith('sw_'));

it.each(cases)('the windows of %s agree with MONAI', async (name) => {
  const [result] = await runParity([folder + name], { signal: AbortSignal.timeout(10_000) }, () => {});
  expect(result?.errors.filter(({ agrees }) => !agrees)).toEqual([]);
  expect([result?.status, result?.errors.length]).toEqual(['agrees', 1]);
});

it('there are cases', () => expect(cases.length).toBeGreaterThanOrEqual(6));
