import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { below, Wheel } from '../../../src/engine/install/wheel.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { wheelFile } from '../../support/wheelFile.ts';

const folder = temporaryFolder();
const files = { 'a/one.so': 'one', 'a/two, "quoted".so': 'two', 'b/three.txt': 'three' };

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function unpack(path: string, target: (member: string) => string | undefined, progress = () => {}) {
  const wheel = await Wheel.open(path);
  try {
    return await wheel.unpack({ target, signal: new AbortController().signal, progress });
  } finally {
    wheel.close();
  }
}

test('only the members with a target are unpacked, whatever their names', async () => {
  const path = write('whole.whl', wheelFile({ name: 'x', files }));
  const into = below(join(folder, 'some'));
  expect(await unpack(path, (member) => (member.endsWith('.so') ? into(member) : undefined))).toEqual([
    'a/one.so',
    'a/two, "quoted".so',
  ]);
  expect(readFileSync(into('a/two, "quoted".so'), 'utf8')).toBe('two');
});

test('progress ends at the total', async () => {
  const seen: [number, number][] = [];
  const wheel = await Wheel.open(write('progress.whl', wheelFile({ name: 'x', files })));
  const progress = (done: number, total: number) => void seen.push([done, total]);
  const target = (member: string) => (member.startsWith('x-') ? undefined : below(join(folder, 'all'))(member));
  await wheel.unpack({ target, signal: new AbortController().signal, progress });
  wheel.close();
  expect(seen.at(-1)).toEqual([11, 11]);
});

test('a member that its RECORD does not know is refused', async () => {
  const path = write('unknown.whl', wheelFile({ name: 'x', files, record: 'other,sha256=AAAA,1\n' }));
  await expect(unpack(path, below(join(folder, 'unknown')))).rejects.toThrow('a/one.so is not in its RECORD');
});

test('a wheel that is cut off or changed anywhere is refused by name, or unpacks to what it was', async () => {
  const bytes = wheelFile({ name: 'x', files });
  const target = (member: string) => (member === 'a/one.so' ? join(folder, 'changed') : undefined);
  const attempt = async (changed: Uint8Array): Promise<void> => {
    try {
      const members = await unpack(write('changed.whl', changed), target);
      if (members.length > 0) expect(readFileSync(join(folder, 'changed'), 'utf8')).toBe('one');
    } catch (error) {
      expect(error).toMatchObject({ name: 'InstallError', fault: 'corrupt wheel' });
    }
  };
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const changed = Uint8Array.from(bytes);
      changed[at] = changed[at]! ^ flip;
      await attempt(changed);
      await attempt(bytes.subarray(0, at));
    }),
  );
});
