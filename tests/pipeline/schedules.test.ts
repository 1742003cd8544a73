import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unitDurations } from '../../src/pipeline/durations.ts';
import { StagesPerWorkerError } from '../../src/pipeline/placements.ts';
import { ScheduleRequestError } from '../../src/pipeline/scheduleRequest.ts';
import { formatSchedule, parseSchedule } from '../../src/pipeline/scheduleText.ts';
import { scheduleNames, schedules } from '../../src/pipeline/schedules.ts';
import type { ScheduleName } from '../../src/pipeline/schedules.ts';
import { formatTable } from '../../src/pipeline/table.ts';
import { requestOf } from './requests.ts';

const folder = new URL('../fixtures/schedules/', import.meta.url);
const golden = readdirSync(folder);

describe('the schedules in tests/fixtures/schedules', () => {
  it.each(golden)('are still generated as they were written: %s', (file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    const { name, microBatches, placement } = parseSchedule(text);
    const family = schedules[name as ScheduleName];
    expect(formatSchedule(family.generate({ stages: placement.length, microBatches, placement }))).toBe(text);
  });

  it('are there for every name', () => {
    const names = golden.map((file) => parseSchedule(readFileSync(new URL(file, folder), 'utf8')).name);
    expect([...new Set(names)].toSorted()).toEqual([...scheduleNames].toSorted());
  });
});

describe('a schedule as a table', () => {
  it('is the picture of the GPipe paper', () => {
    expect(formatTable(schedules.gpipe.generate({ stages: 3, microBatches: 3 }))).toBe(
      [
        'clock     0    1    2    3    4    5    6    7    8    9',
        'worker 0  0F0  0F1  0F2  .    .    .    .    0B2  0B1  0B0',
        'worker 1  .    1F0  1F1  1F2  .    .    1B2  1B1  1B0  .',
        'worker 2  .    .    2F0  2F1  2F2  2B2  2B1  2B0  .    .',
      ].join('\n'),
    );
  });

  it('is that of 1F1B', () => {
    expect(formatTable(schedules['1f1b'].generate({ stages: 2, microBatches: 3 }))).toBe(
      [
        'clock     0    1    2    3    4    5    6    7',
        'worker 0  0F0  0F1  .    0B0  0F2  0B1  .    0B2',
        'worker 1  .    1F0  1B0  1F1  1B1  1F2  1B2  .',
      ].join('\n'),
    );
  });

  it('takes as many ticks as theory has it', () => {
    const ticks = (name: ScheduleName, stages: number, microBatches: number): number =>
      (formatTable(schedules[name].generate({ stages, microBatches })).split('\n')[0] ?? '').split(/\s+/).length - 1;
    for (let stages = 1; stages <= 6; stages += 1)
      for (let microBatches = 1; microBatches <= 9; microBatches += 1) {
        expect(ticks('gpipe', stages, microBatches)).toBe(2 * (microBatches + stages - 1));
        expect(ticks('1f1b', stages, microBatches)).toBe(2 * (microBatches + stages - 1));
        expect(ticks('forward', stages, microBatches)).toBe(microBatches + stages - 1);
      }
  });

  it('shows how long an action takes', () => {
    const schedule = schedules['1f1b'].generate({ stages: 2, microBatches: 2 });
    expect(formatTable(schedule, undefined, unitDurations)).toBe(
      [
        'clock     0    1    2    3    4    5    6    7    8',
        'worker 0  0F0  0F1  .    .    0B0  =    .    0B1  =',
        'worker 1  .    1F0  1B0  =    1F1  1B1  =    .    .',
      ].join('\n'),
    );
  });

  it.each([
    ['interleaved', 'interleaved_1f1b', { workers: 2, stagesPerWorker: 2, microBatches: 4 }],
    ['folded', 'v_1f1b', { workers: 2, stagesPerWorker: 2, microBatches: 3 }],
    ['zeroBubbleH1', 'zb_h1', { workers: 3, stagesPerWorker: 1, microBatches: 4 }],
    ['zeroBubbleV', 'zb_v', { workers: 2, stagesPerWorker: 2, microBatches: 3 }],
  ] as const)('stands in the comment of its generator (%s.ts)', (file, name, size) => {
    const source = readFileSync(new URL(`../../src/pipeline/${file}.ts`, import.meta.url), 'utf8');
    const lines = formatTable(schedules[name].generate(requestOf(name, size))).split('\n');
    expect(source).toContain(lines.map((line) => ` *     ${line}`).join('\n'));
  });
});

describe('a schedule cannot be asked for', () => {
  it.each(scheduleNames)('with impossible numbers or placements (%s)', (name) => {
    const { generate } = schedules[name];
    for (const request of [
      { stages: 0, microBatches: 1 },
      { stages: 1.5, microBatches: 1 },
      { stages: 2, microBatches: 0 },
      { stages: 2, microBatches: 2, placement: [0] },
      { stages: 2, microBatches: 2, placement: [0, 2] },
      { stages: 2, microBatches: 2, placement: [-1, 0] },
    ])
      expect(() => generate(request)).toThrow(ScheduleRequestError);
  });

  it.each(['1f1b', 'zb_h1'] as const)('as one that has one stage a worker with several (%s)', (name) => {
    expect(() => schedules[name].generate({ stages: 2, microBatches: 2, placement: [0, 0] })).toThrow(
      'one stage a worker',
    );
  });

  it.each([[[0, 1, 1, 0]], [[0, 0, 1, 1]], [[0, 1, 0]], [[0, 1, 0, 1, 1]]])(
    'as interleaved on a placement that is not (%j)',
    (placement) => {
      const request = { stages: placement.length, microBatches: 2, placement };
      expect(() => schedules.interleaved_1f1b.generate(request)).toThrow('is not interleaved');
    },
  );

  it.each(['v_1f1b', 'zb_v'] as const)('as folded on a placement that is not (%s)', (name) => {
    for (const placement of [[0, 1, 0, 1], [0, 0, 1, 1], [0, 1, 0], [0, 0, 0, 0], [0]])
      expect(() => schedules[name].generate({ stages: placement.length, microBatches: 2, placement })).toThrow(
        'is not folded',
      );
    expect(() => schedules[name].generate({ stages: 3, microBatches: 2 })).toThrow(ScheduleRequestError);
    expect(schedules[name].generate({ stages: 4, microBatches: 2 }).placement).toEqual([0, 1, 1, 0]);
  });

  it('with more stages a worker than it knows', () => {
    expect(() => schedules.zb_v.placement(4, 3)).toThrow(StagesPerWorkerError);
    expect(() => schedules['1f1b'].placement(4, 2)).toThrow('2 stages a worker; it has exactly 1');
    expect(() => schedules.gpipe.placement(4, 0)).toThrow('allowed are whole numbers from 1');
    expect(schedules.interleaved_1f1b.placement(3, 2)).toEqual([0, 1, 2, 0, 1, 2]);
  });
});
