import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { latestCheckpoint, listCheckpoints, verifyCheckpoint } from '../../../src/checkpoint/training/inventory.ts';
import { manifestFile } from '../../../src/checkpoint/training/names.ts';
import { disposeWriter } from '../../../src/checkpoint/training/writer.ts';
import { runFolder, writeCheckpoint } from '../../support/checkpoints.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const run = runFolder(temporaryFolder(), 'run');
const steps = [10, 20, 30];
const paths = new Map<number, string>();
beforeAll(async () => {
  for (const step of steps) paths.set(step, await writeCheckpoint(run, step, { state: { dice: [0.5, 0.25] } }));
});
afterAll(disposeWriter);

type Damage =
  | { readonly kind: 'change'; readonly at: number; readonly by: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'lengthen'; readonly by: number }
  | { readonly kind: 'remove' };

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('change' as const), at: place, by: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: place }),
  fc.record({ kind: fc.constant('lengthen' as const), by: fc.integer({ min: 1, max: 5000 }) }),
  fc.record({ kind: fc.constant('remove' as const) }),
);

/** Damages a file; returns what makes it whole again. */
function inflict(path: string, damage: Damage): () => void {
  const good = readFileSync(path);
  switch (damage.kind) {
    case 'change': {
      const bad = Buffer.from(good);
      const at = Math.floor(damage.at * good.length);
      bad[at] = bad[at]! ^ damage.by;
      writeFileSync(path, bad);
      break;
    }
    case 'cut':
      writeFileSync(path, good.subarray(0, Math.floor(damage.at * good.length)));
      break;
    case 'lengthen':
      writeFileSync(path, Buffer.concat([good, Buffer.alloc(damage.by)]));
      break;
    case 'remove':
      rmSync(path);
  }
  return () => writeFileSync(path, good);
}

const fileOf = (step: number, pick: number): string => {
  const files = readdirSync(paths.get(step)!).toSorted();
  return files[Math.floor(pick * files.length)]!;
};

test('whatever is done to whatever file, it is named, and the checkpoint before is taken', async () => {
  await fc.assert(
    fc.asyncProperty(place, damages, async (pick, damage) => {
      const file = fileOf(30, pick);
      const restore = inflict(join(paths.get(30)!, file), damage);
      try {
        const status = file === manifestFile && damage.kind === 'remove' ? 'unfinished' : 'damaged';
        expect(await verifyCheckpoint(paths.get(30)!)).toMatchObject({ status, file, step: 30 });
        const { checkpoint, passed } = await latestCheckpoint(run);
        expect(checkpoint).toMatchObject({ step: 20, path: paths.get(20) });
        expect(passed).toMatchObject([{ step: 30, status, file, path: paths.get(30) }]);
        // Without reading all, what changes a size or the manifest is found.
        if (damage.kind !== 'change' || file === manifestFile)
          expect((await listCheckpoints(run))[0]).toMatchObject({ status, file });
      } finally {
        restore();
      }
    }),
    { numRuns: 300 },
  );
  expect((await latestCheckpoint(run)).checkpoint?.step).toBe(30);
});

test('of several damaged ones all are told that are newer than the one that is taken', async () => {
  const perStep = fc.tuple(
    ...steps.map(() => fc.option(fc.record({ pick: place, damage: damages }), { nil: undefined })),
  );
  await fc.assert(
    fc.asyncProperty(perStep, async (chosen) => {
      const restores = chosen.flatMap((each, i) =>
        each ? [inflict(join(paths.get(steps[i]!)!, fileOf(steps[i]!, each.pick)), each.damage)] : [],
      );
      try {
        const whole = steps.findLast((_, i) => chosen[i] === undefined);
        const { checkpoint, passed } = await latestCheckpoint(run);
        expect(checkpoint?.step).toBe(whole);
        expect(passed.map(({ step }) => step)).toEqual(steps.filter((step) => step > (whole ?? 0)).toReversed());
      } finally {
        for (const restore of restores) restore();
      }
    }),
    { numRuns: 100 },
  );
});
