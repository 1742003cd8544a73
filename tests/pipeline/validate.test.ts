import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action, ActionKind, Schedule } from '../../src/pipeline/action.ts';
import { leastQueueCapacity } from '../../src/pipeline/boundedRun.ts';
import { ScheduleError } from '../../src/pipeline/faults.ts';
import { chainOf } from '../../src/pipeline/messages.ts';
import type { Routes } from '../../src/pipeline/routes.ts';
import { parseSchedule } from '../../src/pipeline/scheduleText.ts';
import { scheduleNames, schedules } from '../../src/pipeline/schedules.ts';
import type { Passes, ScheduleName } from '../../src/pipeline/schedules.ts';
import { validateSchedule } from '../../src/pipeline/validate.ts';
import type { ValidationOptions } from '../../src/pipeline/validate.ts';
import { runsTruly } from './naiveExecutor.ts';
import { gridOf, requestOf } from './requests.ts';
import type { GridRequest } from './requests.ts';
import { mirroredRoutes, threadedRoutes } from './skipNets.ts';

const errorOf = (schedule: Schedule, options?: ValidationOptions): ScheduleError => {
  try {
    validateSchedule(schedule, options);
  } catch (error) {
    if (error instanceof ScheduleError) return error;
    throw error;
  }
  throw new Error('no fault was found');
};

const accepts = (schedule: Schedule, options: ValidationOptions): boolean => {
  try {
    validateSchedule(schedule, options);
    return true;
  } catch (error) {
    if (error instanceof ScheduleError) return false;
    throw error;
  }
};

const byHand = (placement: string, microBatches: number, ...workers: string[]): Schedule =>
  parseSchedule(
    [
      'schedule byHand',
      `micro-batches ${microBatches}`,
      `placement ${placement}`,
      ...workers.map((actions, worker) => `worker ${worker}: ${actions}`),
    ].join('\n'),
  );

/** The same schedule with split backward passes: each W behind its I, or all of them at the end. */
const split = (schedule: Schedule, weightsLast: boolean): Schedule => ({
  ...schedule,
  workers: schedule.workers.map((actions) => {
    const halves = actions.flatMap((action): Action[] => {
      if (action.kind !== 'B') return [action];
      return [
        { ...action, kind: 'I' },
        { ...action, kind: 'W' },
      ];
    });
    if (!weightsLast) return halves;
    return [...halves.filter(({ kind }) => kind !== 'W'), ...halves.filter(({ kind }) => kind === 'W')];
  }),
});

/** Messages that a link has to hold in a plain chain: one, or where two stages of a worker send to one other, a few. */
const chainCapacity = (name: ScheduleName, { stagesPerWorker }: GridRequest): number => {
  if (stagesPerWorker === 1) return 1;
  return name === 'v_1f1b' || name === 'zb_v' ? 2 : 3;
};

/**
 * The same with skips between mirrored stages. Folded, none of them travels. With one stage a worker GPipe never sends both
 * ways at once, and 1F1B needs less room than there are micro-batches on their way. Interleaved, a skip can wait for its
 * turn behind a whole round of others.
 */
const portalCapacity = (name: ScheduleName, { workers, stagesPerWorker }: GridRequest): number => {
  if (name === 'v_1f1b' || name === 'zb_v') return 2;
  if (stagesPerWorker > 1) return 3 * workers;
  return name === 'gpipe' || name === 'forward' ? 1 : Math.max(2, workers / 2);
};

/** Where theory gives the number itself and not a bound: with enough micro-batches, in whole rounds. */
const theoryIsExact = (name: ScheduleName, { workers, stagesPerWorker, microBatches }: GridRequest): boolean => {
  if (name === 'interleaved_1f1b')
    return stagesPerWorker === 1 || (microBatches % workers === 0 && microBatches >= 3 * workers);
  return name === 'zb_v' ? microBatches >= 2 * workers - 1 : true;
};

describe('every schedule that is generated', () => {
  it.each(scheduleNames)('keeps the rules, and no more alive than theory has it (%s)', (name) => {
    const { generate, passes, peakActivations, peakOnWorker } = schedules[name];
    for (const request of gridOf(name)) {
      const queueCapacity = chainCapacity(name, request);
      const setAside = queueCapacity - 1;
      const report = validateSchedule(generate(request), {
        ...{ passes, queueCapacity, setAside },
        activationLimit: (worker) => peakOnWorker(request, worker),
      });
      const theory = {
        stages: request.placement.map((_, stage) => peakActivations(request, stage)),
        workers: [...new Set(request.placement)].map((worker) => peakOnWorker(request, worker)),
      };
      if (theoryIsExact(name, request)) expect(report.peakActivations).toEqual(theory);
      for (const [stage, peak] of report.peakActivations.stages.entries())
        expect(peak).toBeLessThanOrEqual(theory.stages[stage] as number);
    }
  });

  it.each(scheduleNames)('ends with skips by portal too, at the least capacity that is told (%s)', (name) => {
    const { generate, passes } = schedules[name];
    for (const request of gridOf(name)) {
      const schedule = generate(request);
      const routes = mirroredRoutes(request.stages);
      const queueCapacity = leastQueueCapacity(schedule, routes) as number;
      expect(queueCapacity).toBeLessThanOrEqual(portalCapacity(name, request));
      const options = { passes, routes };
      expect(accepts(schedule, { ...options, queueCapacity })).toBe(true);
      expect(queueCapacity === 1 || !accepts(schedule, { ...options, queueCapacity: queueCapacity - 1 })).toBe(true);
    }
  });

  it.each(['interleaved_1f1b', 'v_1f1b', 'zb_h1', 'zb_v'] as const)(
    'takes its workers in any order, and then says the same of them by rank (%s)',
    (name) => {
      const { generate, peakOnWorker, stagesPerWorker } = schedules[name];
      const order = [2, 0, 3, 1];
      const size = { workers: 4, stagesPerWorker: stagesPerWorker === 'any' ? 2 : stagesPerWorker, microBatches: 9 };
      const request = requestOf(name, size);
      const moved = { ...request, placement: request.placement.map((worker) => order[worker] as number) };
      const lists = generate(moved).workers;
      expect(order.map((worker) => lists[worker])).toEqual(generate(request).workers);
      expect(order.map((worker) => peakOnWorker(moved, worker))).toEqual(
        order.map((_, worker) => peakOnWorker(request, worker)),
      );
      validateSchedule(generate(moved), { queueCapacity: 3 });
    },
  );

  it.each([
    [[0, 1, 0, 1]],
    [[0, 1, 1, 0]],
    [[0, 1, 2, 2, 1, 0]],
    [[0, 0, 0]],
    [[2, 0, 1]],
    [[0, 1, 2, 0, 1, 2, 0, 1, 2]],
  ])('may have several stages on a worker, in any placement (%j)', (placement) => {
    for (const name of ['gpipe', 'forward'] as const)
      for (let microBatches = 1; microBatches <= 8; microBatches += 1) {
        const schedule = schedules[name].generate({ stages: placement.length, microBatches, placement });
        const routes = mirroredRoutes(placement.length);
        const queueCapacity = leastQueueCapacity(schedule, routes) as number;
        const report = validateSchedule(schedule, { passes: schedules[name].passes, routes, queueCapacity });
        const perStage = schedules[name].peakActivations({ stages: placement.length, microBatches });
        expect(report.peakActivations.stages).toEqual(placement.map(() => perStage));
      }
  });

  it('may have its backward passes in two halves', () => {
    for (let stages = 1; stages <= 6; stages += 1)
      for (let microBatches = 1; microBatches <= 8; microBatches += 1) {
        const whole = schedules['1f1b'].generate({ stages, microBatches });
        const peaks = validateSchedule(whole).peakActivations;
        expect(validateSchedule(split(whole, false)).peakActivations).toEqual(peaks);
        // Nothing is let go before its weight gradients are there.
        expect(validateSchedule(split(whole, true)).peakActivations.stages).toEqual(
          peaks.stages.map(() => microBatches),
        );
      }
  });
});

describe('a schedule is refused', () => {
  it.each<[string, Schedule, object[]]>([
    ['without micro-batches', byHand('0', 0, ''), [{ kind: 'layout', reason: expect.stringContaining('0 micro') }]],
    [
      'where a stage has no worker',
      byHand('0 1', 1, '0F0 0B0'),
      [{ kind: 'layout', reason: 'stage 1 is placed on worker 1, which has no list; there are 1 lists' }],
    ],
    [
      'where a worker has no stage',
      byHand('0', 1, '0F0 0B0', ''),
      [{ kind: 'layout', reason: 'worker 1 has a list but no stage' }],
    ],
    [
      'where a pass is missing',
      byHand('0', 2, '0F0 0F1 0B0'),
      [{ kind: 'missing', worker: 0, action: { stage: 0, kind: 'B', microBatch: 1 } }],
    ],
    [
      'where a half is missing',
      byHand('0', 2, '0F0 0F1 0I0 0W1'),
      [
        { kind: 'missing', action: { kind: 'W', microBatch: 0 } },
        { kind: 'missing', action: { kind: 'I', microBatch: 1 } },
      ],
    ],
    [
      'where a pass is there twice',
      byHand('0', 1, '0F0 0F0 0B0'),
      [{ kind: 'duplicate', worker: 0, position: 1, action: { stage: 0, kind: 'F', microBatch: 0 } }],
    ],
    [
      'where a backward pass is both whole and split',
      byHand('0', 1, '0F0 0B0 0W0'),
      [{ kind: 'mixed', worker: 0, position: 2 }],
    ],
    [
      'where a pass is on another worker',
      byHand('0 1', 1, '0F0 1B0 0B0', '1F0'),
      [{ kind: 'misplaced', worker: 0, position: 1, owner: 1 }],
    ],
    [
      'where there is something unknown',
      byHand('0', 1, '0F0 0F1 1F0 0B0'),
      [
        { kind: 'unknown', position: 1, reason: 'has no such micro-batch; they are 0 to 0' },
        { kind: 'unknown', position: 2, reason: 'has no such stage; they are 0 to 0' },
      ],
    ],
    [
      'where backward comes before forward',
      byHand('0', 1, '0B0 0F0'),
      [{ kind: 'order', worker: 0, position: 0, after: '0F0' }],
    ],
    [
      'where the weight half comes before the input half',
      byHand('0', 1, '0F0 0W0 0I0'),
      [{ kind: 'order', worker: 0, position: 1, after: '0I0' }],
    ],
    [
      'where stages of a worker are in the wrong order',
      byHand('0 0', 1, '1F0 0F0 1B0 0B0'),
      [{ kind: 'order', worker: 0, position: 0, after: '0F0' }],
    ],
    [
      'where forward passes of a stage are out of order',
      byHand('0', 2, '0F1 0F0 0B0 0B1'),
      [{ kind: 'order', worker: 0, position: 0, after: '0F0' }],
    ],
    [
      'where workers wait for each other',
      byHand('0 1 0', 1, '0F0 0B0 2F0 2B0', '1F0 1B0'),
      [
        {
          kind: 'deadlock',
          stuck: [
            { worker: 0, position: 1, reason: 'receiving', messages: [{ kind: 'gradient', fromStage: 1 }] },
            { worker: 1, position: 1, reason: 'receiving', messages: [{ kind: 'gradient', fromStage: 2 }] },
          ],
        },
      ],
    ],
  ])('%s', (_, schedule, faults) => {
    expect(errorOf(schedule).faults).toMatchObject(faults);
  });

  it('where it has backward passes and should have none', () => {
    expect(errorOf(byHand('0', 1, '0F0 0B0'), { passes: 'forward' }).faults).toMatchObject([
      { kind: 'unknown', position: 1 },
    ]);
  });

  it('where a queue is too short for it, with what cannot be sent', () => {
    // Micro-batches backward in the order of their coming, while both send at once.
    const schedule = byHand('0 1', 3, '0F0 0F1 0F2 0B0 0B1 0B2', '1F0 1B0 1F1 1B1 1F2 1B2');
    const error = errorOf(schedule, { routes: mirroredRoutes(2), queueCapacity: 1 });
    expect(error.faults).toMatchObject([
      {
        kind: 'deadlock',
        queueCapacity: 1,
        stuck: [
          { worker: 0, reason: 'sending' },
          { worker: 1, reason: 'sending' },
        ],
      },
    ]);
    expect(error.message).toContain('the queue is full');
    expect(leastQueueCapacity(schedule, mirroredRoutes(2))).toBe(2);
  });

  it('where more would have to be set aside than may be', () => {
    // Both of worker 0's stages send to worker 1, which wants them in another order.
    const schedule = byHand('0 1 0 1', 2, '0F0 0F1 2F0 2F1', '1F0 1F1 3F0 3F1');
    const awkward = byHand('0 1 0 1', 2, '0F0 2F0 0F1 2F1', '1F0 1F1 3F0 3F1');
    const options = { passes: 'forward', queueCapacity: 2 } as const;
    expect(validateSchedule(schedule, { ...options, setAside: 0 }).peakSetAside).toBe(0);
    expect(validateSchedule(awkward, { ...options, setAside: 1 }).peakSetAside).toBe(1);
    expect(errorOf(awkward, { ...options, setAside: 0 }).faults).toMatchObject([{ kind: 'deadlock' }]);
  });

  it('where a worker would keep more alive than it may, at the pass that is too many', () => {
    const schedule = schedules.gpipe.generate({ stages: 2, microBatches: 4 });
    expect(validateSchedule(schedule, { activationLimit: () => 4 }).peakActivations.workers).toEqual([4, 4]);
    expect(errorOf(schedule, { activationLimit: (worker) => 4 - 2 * worker }).faults).toMatchObject([
      { kind: 'memory', worker: 1, position: 2, live: 3, limit: 2 },
    ]);
  });

  it('with every fault, and the table with their places marked', () => {
    const error = errorOf(byHand('0 1', 2, '0F0 0F1 0B1 0B1', '1F0 1B0 1F1 1B1 1B1'));
    expect(error.message).toBe(
      [
        'schedule byHand cannot run (3 faults):',
        '  0B0 is missing on worker 0',
        '  0B1 (worker 0, place 3) is there a second time',
        '  1B1 (worker 1, place 4) is there a second time',
        'clock     0       1       2       3       4       5       6       ?',
        'worker 0  0F0     0F1     .       .       .       0B1     [0B1]   [0B0?]',
        'worker 1  .       1F0     1B0     1F1     1B1     [1B1]   .       .',
      ].join('\n'),
    );
  });
});

type Mutation =
  | { readonly kind: 'swap'; readonly from: number; readonly to: number }
  | { readonly kind: 'move'; readonly from: number; readonly to: number }
  | { readonly kind: 'drop'; readonly from: number }
  | { readonly kind: 'repeat'; readonly from: number }
  | { readonly kind: 'change'; readonly from: number; readonly to: Action };

const mutate = (schedule: Schedule, worker: number, mutation: Mutation): Schedule => {
  const at = worker % schedule.workers.length;
  const list = [...(schedule.workers[at] ?? [])];
  const from = mutation.from % Math.max(1, list.length);
  const action = list[from];
  if (!action) return schedule;
  if (mutation.kind === 'drop') list.splice(from, 1);
  if (mutation.kind === 'repeat') list.splice(from, 0, action);
  if (mutation.kind === 'change') list[from] = mutation.to;
  if (mutation.kind === 'move') list.splice(mutation.to % list.length, 0, ...list.splice(from, 1));
  if (mutation.kind === 'swap') {
    const to = mutation.to % list.length;
    [list[from], list[to]] = [list[to] as Action, action];
  }
  return { ...schedule, workers: schedule.workers.map((actions, index) => (index === at ? list : actions)) };
};

const place = fc.nat(40);
const mutation = fc.oneof<fc.Arbitrary<Mutation>[]>(
  fc.record({ kind: fc.constant('swap'), from: place, to: place }),
  fc.record({ kind: fc.constant('move'), from: place, to: place }),
  fc.record({ kind: fc.constant('drop'), from: place }),
  fc.record({ kind: fc.constant('repeat'), from: place }),
  fc.record({
    kind: fc.constant('change'),
    from: place,
    to: fc.record({
      stage: fc.nat(4),
      kind: fc.constantFrom<ActionKind>('F', 'B', 'I', 'W'),
      microBatch: fc.nat(4),
    }),
  }),
);

const isFolded = (name: ScheduleName): boolean => name === 'v_1f1b' || name === 'zb_v';
const takesAny = (name: ScheduleName): boolean => name === 'gpipe' || name === 'forward';

const sound = fc
  .record({
    name: fc.constantFrom(...scheduleNames),
    stages: fc.integer({ min: 1, max: 4 }),
    microBatches: fc.integer({ min: 1, max: 4 }),
    folded: fc.boolean(),
    halves: fc.constantFrom('whole', 'split', 'weights last'),
    routesFor: fc.constantFrom(chainOf, mirroredRoutes, threadedRoutes),
  })
  .map(({ name, stages, microBatches, folded, halves, routesFor }) => {
    const placement = Array.from({ length: stages }, (_, stage) => Math.min(stage, stages - 1 - stage));
    const even = 2 * Math.ceil(stages / 2);
    const rounds = Array.from({ length: even }, (_, stage) => stage % (even / 2));
    const request = isFolded(name)
      ? { stages: even, microBatches }
      : name === 'interleaved_1f1b' && folded
        ? { stages: even, microBatches, placement: rounds }
        : { stages, microBatches, ...(folded && takesAny(name) && { placement }) };
    const schedule = schedules[name].generate(request);
    return {
      passes: schedules[name].passes,
      schedule: halves === 'whole' || name === 'forward' ? schedule : split(schedule, halves === 'weights last'),
      routes: routesFor(request.stages),
    };
  });

/** Numbers from 0 to 1 (mulberry32). */
const seededDraw = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};

const walks = (
  schedule: Schedule,
  { routes, passes, queueCapacity }: { routes: Routes; passes: Passes; queueCapacity: number },
  seed: number,
): boolean =>
  runsTruly(schedule, {
    portals: routes.portals,
    capacity: queueCapacity,
    trains: passes === 'training',
    draw: seededDraw(seed),
  });

describe('the validator and an executor that walks in random order agree', () => {
  it('on sound schedules', () => {
    fc.assert(
      fc.property(sound, fc.integer({ min: 1, max: 3 }), fc.nat(), ({ schedule, ...rest }, queueCapacity, seed) => {
        const options = { ...rest, queueCapacity };
        expect(accepts(schedule, options)).toBe(walks(schedule, options, seed));
      }),
      { numRuns: 300 },
    );
  });

  it('on schedules with actions swapped, moved, dropped, repeated or changed', () => {
    fc.assert(
      fc.property(
        sound,
        fc.array(fc.tuple(fc.nat(3), mutation), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(),
        ({ schedule, ...rest }, mutations, queueCapacity, seed) => {
          const mutant = mutations.reduce((now, [worker, change]) => mutate(now, worker, change), schedule);
          const options = { ...rest, queueCapacity };
          expect(accepts(mutant, options)).toBe(walks(mutant, options, seed));
        },
      ),
      { numRuns: 3000 },
    );
  });
});
