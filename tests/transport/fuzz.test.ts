import { beforeAll, expect, test } from 'vitest';
import { damages } from './fuzz/badFrames.ts';
import { fuzz } from './fuzz/fuzz.ts';
import type { FuzzReport } from './fuzz/fuzz.ts';

// `npm run fuzz` sends a million.
const FRAMES = 20_000;
let report: FuzzReport;

beforeAll(async () => {
  report = await fuzz({ frames: FRAMES, seed: 20_201_004 });
}, 120_000);

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

test('every bad message on the control plane is counted as malformed, and every good one in between arrives', () => {
  const { sent, refused, arrived, good } = report.control;
  expect(Object.keys(sent)).toEqual([...damages].toSorted());
  expect(sumOf(sent)).toBe(FRAMES / 2);
  expect(refused['malformed']).toBe(FRAMES / 2);
  expect(arrived).toBe(good);
});

test('every bad message on the data plane is counted by its reason, and every good tensor in between arrives whole', () => {
  const { sent, refused, expected, arrived, good } = report.data;
  expect(Object.keys(sent)).toEqual(expect.arrayContaining([...damages, 'another run', 'too large', 'wrong shape']));
  expect(sumOf(sent)).toBe(FRAMES / 2);
  const { key, replayed = 0, ...byFrame } = refused;
  expect(key).toBeGreaterThan(0);
  const { replayed: resent = 0, ...expectedByFrame } = expected;
  expect(byFrame).toEqual(expectedByFrame);
  // A replayed tensor may lie unclaimed until there are too many.
  expect(replayed).toBeLessThanOrEqual(resent);
  expect(replayed).toBeGreaterThanOrEqual(resent - 64);
  expect(resent).toBeGreaterThan(FRAMES / 2 / 20);
  expect(arrived).toBe(good);
});

test('strangers hammer all the while, and and are told no more than the greeting of a handshake', () => {
  expect(report.strangers.connections).toBeGreaterThan(20);
  expect(report.keysRefused).toBeGreaterThan(0);
  expect(report.strangers.toldAtMost).toBeLessThanOrEqual(64);
});

test('memory stays bounded', () => {
  expect(report.resident.peak - report.resident.start).toBeLessThan(300 * 2 ** 20);
});
