import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installedEngine } from '../../../src/engine/install/location.ts';
import { probeEngine } from '../../../src/engine/install/probe.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();
const { signal } = new AbortController();

test("an addon that is no library is told in the loader's own words", async () => {
  const addon = join(folder, 'tfjs_binding.node');
  writeFileSync(addon, 'no library');
  await expect(probeEngine(addon, signal)).rejects.toMatchObject({ name: 'InstallError', fault: 'loading' });
  await expect(probeEngine(addon, signal)).rejects.toThrow(/does not load: .*tfjs_binding\.node/);
});

const engine = installedEngine();

test.skipIf(engine === undefined)('the engine of this machine computes', async () => {
  expect(await probeEngine(engine!.addon, signal)).toMatchObject({ sum: 2 });
});
