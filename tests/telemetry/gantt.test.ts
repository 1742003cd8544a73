import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../src/pipeline/action.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { simulate } from '../../src/pipeline/simulator.ts';
import { formatGantt } from '../../src/telemetry/gantt.ts';
import { textWidth } from '../../src/telemetry/textWidth.ts';
import { arbitraryRequest, requestOf, stageOf } from '../pipeline/costs.ts';

const cost = stageOf({ forward: 1, backward: 2, backwardInput: 1, backwardWeights: 1 });
const simulated = (schedule: Schedule) => simulate(requestOf({ schedule, stages: schedule.placement.map(() => cost) }));
const lines = (text: string): string[] => text.split('\n');

describe('a Gantt chart', () => {
  test('of GPipe is its picture', () => {
    const timeline = simulated(schedules.gpipe.generate({ stages: 3, microBatches: 3 }));
    expect(lines(formatGantt(timeline, { columns: 67, colours: false }))).toEqual([
      'worker 0 │F0░F1░F2░                  B2████B1████B0████│ bubble 40%',
      'worker 1 │   F0░F1░F2░         B2████B1████B0████      │ bubble 40%',
      'worker 2 │      F0░F1░F2░B2████B1████B0████            │ bubble 40%',
      '          0 ms                                  15.0 ms',
      'F░ forward  B█ backward',
    ]);
  });

  test('of two stages a worker says which stage it is, where there is room', () => {
    const schedule = schedules.gpipe.generate({ stages: 4, microBatches: 1, placement: [0, 1, 0, 1] });
    expect(lines(formatGantt(simulated(schedule), { columns: 70, colours: false }))).toMatchSnapshot();
  });

  test('of a split backward pass shows both halves', () => {
    const schedule: Schedule = {
      ...{ name: 'halves', microBatches: 1, placement: [0] },
      workers: [
        [
          { stage: 0, kind: 'F', microBatch: 0 },
          { stage: 0, kind: 'I', microBatch: 0 },
          { stage: 0, kind: 'W', microBatch: 0 },
        ],
      ],
    };
    expect(lines(formatGantt(simulated(schedule), { columns: 41, colours: false }))).toMatchSnapshot();
  });

  test('has colours in place of patterns, if asked', () => {
    const timeline = simulated(schedules['1f1b'].generate({ stages: 2, microBatches: 2 }));
    const text = formatGantt(timeline, { columns: 60, colours: true });
    expect(text).toContain('\u001B[44m');
    expect(text).not.toMatch(/[░█▓▒]/);
    expect(lines(text).map(textWidth)).toEqual(
      lines(formatGantt(timeline, { columns: 60, colours: false })).map(
        (line, index) => textWidth(line) - (index === 3 ? 2 : 0),
      ),
    );
  });

  test('fits its width, whatever the plan', () => {
    fc.assert(
      fc.property(arbitraryRequest, fc.integer({ min: 50, max: 200 }), (request, columns) => {
        const rows = lines(formatGantt(simulate(request), { columns, colours: false })).slice(0, -1);
        expect(Math.max(...rows.map(textWidth))).toBeLessThanOrEqual(columns);
        const bars = rows.slice(0, -1).map((row) => row.slice(row.indexOf('│'), row.lastIndexOf('│')).length);
        expect(new Set(bars).size).toBe(1);
      }),
    );
  });
});
