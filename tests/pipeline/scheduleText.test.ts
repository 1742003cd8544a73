import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ActionTextError, formatAction, parseAction } from '../../src/pipeline/action.ts';
import type { Action, ActionKind, Schedule } from '../../src/pipeline/action.ts';
import { formatSchedule, parseSchedule, ScheduleTextError } from '../../src/pipeline/scheduleText.ts';

const action: fc.Arbitrary<Action> = fc.record({
  stage: fc.nat(200),
  kind: fc.constantFrom<ActionKind>('F', 'B', 'I', 'W'),
  microBatch: fc.nat(2000),
});

const schedule: fc.Arbitrary<Schedule> = fc.record({
  name: fc.stringMatching(/^[\w.-]+$/),
  microBatches: fc.nat(100),
  placement: fc.array(fc.nat(9), { minLength: 1, maxLength: 9 }),
  workers: fc.array(fc.array(action, { maxLength: 20 }), { maxLength: 6 }),
});

const errorOf = (text: string): ScheduleTextError => {
  try {
    parseSchedule(text);
  } catch (error) {
    if (error instanceof ScheduleTextError) return error;
    throw error;
  }
  throw new Error('the text was read without a fault');
};

describe('the text of an action', () => {
  it('is its stage, its kind and its micro-batch', () => {
    expect(formatAction({ stage: 2, kind: 'F', microBatch: 0 })).toBe('2F0');
  });

  it('reads back as the action that was written', () => {
    fc.assert(
      fc.property(action, (one) => {
        expect(parseAction(formatAction(one))).toEqual(one);
      }),
    );
  });

  it.each(['', '2X0', 'F0', '2F', '02F0', '2F00', '2f0', '2F0 ', '-1F0', '2F1.5'])('is not "%s"', (token) => {
    expect(() => parseAction(token)).toThrow(ActionTextError);
    expect(() => parseAction(token)).toThrow(`"${token}" is not an action`);
  });
});

describe('the text of a schedule', () => {
  it('reads back as the schedule that was written', () => {
    fc.assert(
      fc.property(schedule, (one) => {
        expect(parseSchedule(formatSchedule(one))).toEqual(one);
      }),
    );
  });

  it('may have empty lines and remarks', () => {
    const text = '# by hand\n\nschedule mine # a name\nmicro-batches 1\n\nplacement 0\nworker 0: 0F0 # first\n';
    expect(parseSchedule(text).workers).toEqual([[{ stage: 0, kind: 'F', microBatch: 0 }]]);
  });

  const head = 'schedule mine\nmicro-batches 2\nplacement 0 1\n';

  it.each([
    ['', 1, '', 'the line `schedule NAME`'],
    ['schedul mine', 1, 'schedul', 'the line `schedule NAME`'],
    ['schedule', 1, '', 'the line `schedule NAME`'],
    ['schedule my own', 1, 'own', 'the end of the line'],
    ['schedule mine\nmicro-batches many', 2, 'many', 'a whole number'],
    ['schedule mine\nmicro-batches 2\nplacement 0 one', 3, 'one', 'a whole number'],
    ['schedule mine\nmicro-batches 2', 2, '', 'the line `placement WORKER WORKER …`'],
    [`${head}worker 1: 0F0`, 4, '1:', '`0:` (workers in order, from 0)'],
    [`${head}worker 0: 0F0\n\n0F1`, 6, '0F1', 'the line `worker 1: ACTION ACTION …`'],
    [`${head}worker 0: 0F0 0G1`, 4, '0G1', 'an action such as 2F0 (stage, one of F B I W, micro-batch)'],
  ])('that is wrong is refused with line and word: %j', (text, line, token, expected) => {
    expect(errorOf(text)).toMatchObject({ line, token, expected });
    expect(errorOf(text).message).toContain(`line ${line}`);
  });
});
