import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  advance,
  formatProgress,
  formatProgressBar,
  initialProgress,
  samplesPerSecond,
  secondsLeft,
} from '../../src/telemetry/progress.ts';
import type { TrainEvent } from '../../src/telemetry/trainEvent.ts';
import { textWidth } from '../../src/telemetry/textWidth.ts';
import { launched, run, stepEvent, validated } from './events.ts';

test('progress tells epoch, step, loss, Dice, speed and the time left', () => {
  let progress = advance(initialProgress, launched, 100);
  progress = advance(progress, stepEvent(1), 132);
  progress = advance(progress, stepEvent(2), 134);
  progress = advance(progress, validated(1), 136);
  expect(formatProgress(progress)).toBe('epoch 1/2  step 2/4  loss 0.750  Dice 0.300  2.0 samples/s  6 s left');
});

test('a step that came to nothing leaves the mean of the losses as it is', () => {
  const steps = [stepEvent(1), { ...stepEvent(2), loss: Number.NaN } as TrainEvent, stepEvent(3)];
  const progress = steps.reduce((before, event, i) => advance(before, event, i), advance(initialProgress, launched, 0));
  expect(formatProgress(progress)).toContain('loss 0.667');
});

test('the time left is counted from the first step, not from the launch, and validations count', () => {
  const before = advance(initialProgress, launched, 0);
  expect(secondsLeft(before)).toBeUndefined();
  expect(samplesPerSecond(before)).toBeUndefined();
  const first = advance(before, stepEvent(1), 1000);
  expect(secondsLeft(first)).toBe(6);
  expect(secondsLeft(advance(first, validated(1), 1008))).toBe(30);
});

test('waiting for data is told from a twentieth of the time on, with what can be done; the first step always waits', () => {
  const after = (...shares: number[]): string =>
    formatProgress(
      shares.reduce(
        (progress, loading, i) => advance(progress, { ...stepEvent(i + 1), loading } as TrainEvent, i),
        initialProgress,
      ),
    );
  expect(after(0.9, 0, 0.02)).not.toContain('waiting');
  expect(after(0, 0.2, 0.4)).toMatch(/  20% waiting for data \(raise data\.loaders\)$/);
});

test('a run that goes on in the middle counts from where it began', () => {
  const progress = advance(advance(initialProgress, launched, 0), stepEvent(3), 10);
  expect(secondsLeft(progress)).toBe(2);
});

test('the line with its bar never fills the terminal, at any width', () => {
  const progress = run.reduce((before, event, i) => advance(before, event, i), initialProgress);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), (columns) => {
      const text = formatProgress(progress);
      const line = formatProgressBar(progress, columns);
      expect(line.endsWith(text)).toBe(true);
      // Text that is longer than the terminal stands alone.
      expect(line === text || textWidth(line) < columns).toBe(true);
    }),
  );
  expect(formatProgressBar(progress, 200)).toContain('█'.repeat(30));
});
