import { expect, it } from 'vitest';
import { machineTime, othersShare, processTime } from '../../../src/coordinator/bench/disturbance.ts';

it('processor time is read from what Linux tells, whatever a process is called', () => {
  expect(machineTime('cpu  10 1 5 100 4 2 3 0 0 0\ncpu0 1 2 3\n')).toEqual({ busy: 21, all: 125 });
  expect(processTime('42 (a (name) of 3 4) S 1 42 42 0 -1 4194304 100 0 0 0 70 30 0 0 20 0 9 0')).toBe(100);
});

it('what is busy and not ours is others’', () => {
  expect(othersShare({ busy: 100, all: 200, own: 50 }, { busy: 200, all: 400, own: 110 })).toBeCloseTo(0.2);
  // Ticks are coarse: ours may seem more than all.
  expect(othersShare({ busy: 100, all: 200, own: 50 }, { busy: 110, all: 220, own: 70 })).toBe(0);
});
