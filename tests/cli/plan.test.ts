import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { RunPlan } from '../../src/coordinator/planFor.ts';
import { formatSchedule } from '../../src/pipeline/scheduleText.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { traceSchema } from '../../src/telemetry/trace.ts';
import { exampleText } from '../config/exampleRunFile.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lamp } from './lamp.ts';

const folder = temporaryFolder();
const timeout = 60_000;
const machine = fileURLToPath(new URL('../../examples/machines/h100x8.yaml', import.meta.url));
const runFile = join(folder, 'run.yaml');
// Of its images there is none: their size does not matter to a plan.
writeFileSync(runFile, exampleText);

const planned = (...words: readonly string[]): RunPlan => {
  const { code, out, err } = lamp('plan', runFile, '--simulate', machine, '--json', ...words);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as RunPlan;
};

describe('lamp plan', () => {
  it('lays every cell on one of as many workers as were asked for, without any of them', { timeout }, () => {
    const plan = planned('--workers', '3', '--schedule', '1f1b');
    expect(plan.workers.map(({ stages }) => stages)).toEqual([[0], [1], [2]]);
    expect(plan.stages.reduce((sum, { cells }) => sum + cells, 0)).toBe(20);
    expect([plan.stages[0]!.from, plan.stages.at(-1)!.to]).toEqual(['encoder.0.Conv.conv', 'decoder.2.out']);
    for (const { bubble, peak, limit, busy } of plan.workers) {
      expect(bubble).toBeGreaterThan(0);
      expect(peak).toBeLessThan(limit);
      expect(busy).toBeLessThan(plan.step);
    }
  });

  it('has the schedules side by side, the best first and the asked for among them', { timeout }, () => {
    const plan = planned('--workers', '2', '--schedule', 'zb_v');
    expect(plan.schedules.map(({ schedule }) => schedule).toSorted()).toEqual(
      ['1f1b', 'gpipe', 'interleaved_1f1b', 'v_1f1b', 'zb_h1', 'zb_v'].toSorted(),
    );
    const steps = plan.schedules.map(({ step }) => step);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(plan.schedules.find(({ schedule }) => schedule === 'zb_v')!.step).toBe(plan.step);
    const best = planned('--workers', '2', '--schedule', 'auto');
    expect(best.step).toBeCloseTo(steps[0]!, 6);
    expect(best.schedule).toBe(plan.schedules[0]!.schedule);
  });

  it('chooses micro-batches and recomputation, and recomputes only where memory is short', { timeout }, () => {
    const open = ['--workers', '2', '--schedule', '1f1b', '--micro-batches', 'auto', '--recompute', 'auto'];
    const free = planned(...open);
    expect(free.recompute).toBe('never');
    const most = Math.max(...free.workers.map(({ peak }) => peak));
    const tight = planned(...open, '--memory', String(Math.round(0.8 * most)));
    expect(Math.max(...tight.workers.map(({ peak }) => peak))).toBeLessThanOrEqual(0.8 * most);
    expect(tight.step).toBeGreaterThan(free.step);
  });

  it('writes the step as a trace with a track a worker and an arrow a message', { timeout }, () => {
    const file = join(folder, 'plan.json');
    const plan = planned('--workers', '3', '--schedule', 'v_1f1b', '--trace', file);
    const { traceEvents } = traceSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    const tracks = new Set(traceEvents.filter(({ ph }) => ph === 'X').map(({ tid }) => tid));
    expect([...tracks].toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
    const actions = traceEvents.filter((event) => event.ph === 'X' && event.cat !== 'wait');
    expect(actions).toHaveLength(2 * plan.stages.length * plan.microBatches);
    expect(traceEvents.some(({ ph }) => ph === 's')).toBe(true);
  });

  it('says where memory is missing, how much, and what would do, and ends with 2', { timeout }, () => {
    const words = ['--workers', '2', '--recompute', 'never', '--memory', '40MB'];
    const { code, out, err } = lamp('plan', runFile, '--simulate', machine, ...words);
    expect(code).toBe(2);
    expect(err).toMatch(/^✗ nothing fits: .* worker \d needs .* and has .*: .* are missing, .*what would fit: /);
    expect(out).toMatch(/gpipe .* does not fit: .* missing/);
  });

  it('draws tables and a picture of the step', { timeout }, () => {
    const { code, out } = lamp('plan', runFile, '--simulate', machine, '--workers', '2', '--schedule', 'zb_h1');
    expect(code).toBe(0);
    for (const text of [
      'On 8 × H100, by its description',
      'Schedule zb_h1, 4 micro-batches',
      'sends a step',
      'zb_h1 ←',
    ])
      expect(out).toContain(text);
    expect(out).toMatch(/^worker 1 │.*F0.*│ bubble \d+%$/m);
  });

  it("plans a schedule of the user's own", { timeout }, () => {
    const schedule = join(folder, 'mine.schedule');
    writeFileSync(schedule, formatSchedule(schedules['1f1b'].generate({ stages: 2, microBatches: 4 })));
    const plan = planned('--workers', '2', '--schedule', schedule);
    expect(plan.stages).toHaveLength(2);
    expect(plan.schedules).toEqual([]);
  });

  it('says that an estimate is one', { timeout }, () => {
    const { code, out } = lamp('plan', runFile, '--workers', '2', '--set', 'engine.threads=7');
    expect(code).toBe(0);
    expect(out).toContain(`lamp profile ${runFile} measures them`);
  });
});
