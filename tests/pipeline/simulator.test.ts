import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAction } from '../../src/pipeline/action.ts';
import type { Schedule } from '../../src/pipeline/action.ts';
import { peakActivations } from '../../src/pipeline/activations.ts';
import { clockTimes } from '../../src/pipeline/clock.ts';
import { parseSchedule } from '../../src/pipeline/scheduleText.ts';
import { scheduleNames, schedules } from '../../src/pipeline/schedules.ts';
import { simulate, simulatedStep, SimulationError } from '../../src/pipeline/simulator.ts';
import type { Simulation, SimulationRequest } from '../../src/pipeline/simulator.ts';
import { uniformMachine } from '../../src/pipeline/stageCost.ts';
import { StuckScheduleError } from '../../src/pipeline/timedRun.ts';
import { arbitraryRequest, requestOf, stageOf, unitStage } from './costs.ts';

/** `0F0 0–1, 0B0 3–4`: when each action of a worker worked. */
const worked = ({ workers }: Simulation): string[] =>
  workers.map((spans) => spans.map(({ action, waited, end }) => `${action} ${waited}–${end}`).join(', '));

const text = (...lines: string[]): Schedule => parseSchedule(lines.join('\n'));

/** Of every family, with as many stages a worker as it knows. */
const everySchedule = (workers: number, microBatches: number): Schedule[] =>
  scheduleNames.flatMap((name) =>
    grid(workers, microBatches).map(([count, micro]) => {
      const { generate, placement: place, stagesPerWorker } = schedules[name];
      const placement = place(count, stagesPerWorker === 'any' ? 2 : stagesPerWorker);
      return generate({ stages: placement.length, microBatches: micro, placement });
    }),
  );

const grid = (workers: number, microBatches: number): [number, number][] =>
  Array.from({ length: workers * microBatches }, (_, index) => [
    1 + (index % workers),
    1 + Math.floor(index / workers),
  ]);

const twoByTwo = schedules.gpipe.generate({ stages: 2, microBatches: 2 });
const oneByOne = schedules.gpipe.generate({ stages: 2, microBatches: 1 });

describe('a simulated step', () => {
  it('of equal passes and free links is the picture of the GPipe paper', () => {
    const simulation = simulate(requestOf({ schedule: twoByTwo }));
    expect(worked(simulation)).toEqual(['0F0 0–1, 0F1 1–2, 0B1 4–5, 0B0 5–6', '1F0 1–2, 1F1 2–3, 1B1 3–4, 1B0 4–5']);
    expect(simulation.duration).toBe(6);
    // (K − 1) / (M + K − 1)
    expect(simulation.details.map(({ bubble }) => bubble)).toEqual([1 / 3, 1 / 3]);
  });

  it('waits for a slow link while the sender goes on, and its messages queue up', () => {
    const machine = uniformMachine(2, { link: { latency: 3, bytesPerMs: 5 } });
    const simulation = simulate(
      requestOf({ schedule: twoByTwo, machine, messageBytes: { outputs: [10, 0], skips: {} } }),
    );
    // Each activation keeps the link busy for 10 / 5 ms and is there 3 ms later.
    expect(simulation.messages.slice(0, 2)).toEqual([
      { key: 'activation 0>1 m0', from: 0, to: 1, bytes: 10, begin: 1, end: 6, sender: '0F0', receiver: '1F0' },
      { key: 'activation 0>1 m1', from: 0, to: 1, bytes: 10, begin: 3, end: 8, sender: '0F1', receiver: '1F1' },
    ]);
    expect(worked(simulation)).toEqual([
      '0F0 0–1, 0F1 1–2, 0B1 15–16, 0B0 17–18',
      '1F0 6–7, 1F1 8–9, 1B1 9–10, 1B0 10–11',
    ]);
    expect(simulation.links).toEqual([
      { from: 0, to: 1, messages: 2, bytes: 20, busy: 4, share: 4 / 18 },
      { from: 1, to: 0, messages: 2, bytes: 20, busy: 4, share: 4 / 18 },
    ]);
  });

  it('counts copies out of the engine and into it as work', () => {
    const machine = uniformMachine(2, { worker: { copyBytesPerMs: 10 } });
    const simulation = simulate(
      requestOf({ schedule: oneByOne, machine, messageBytes: { outputs: [20, 0], skips: {} } }),
    );
    // 0F0, copy out 1–3 | copy in 3–5, 1F0, 1B0, copy out 7–9 | copy in 9–11, 0B0.
    expect(simulation.workers).toEqual([
      [
        { action: '0F0', begin: 0, waited: 0, end: 3 },
        { action: '0B0', begin: 3, waited: 9, end: 12 },
      ],
      [
        { action: '1F0', begin: 0, waited: 3, end: 6 },
        { action: '1B0', begin: 6, waited: 6, end: 9 },
      ],
    ]);
    expect(simulation.details.map(({ busy, idle }) => [busy, idle])).toEqual([
      [6, 6],
      [6, 6],
    ]);
  });

  it('holds a sender up where the queue is full, and says for how long', () => {
    const schedule = schedules.forward.generate({ stages: 2, microBatches: 4 });
    const stages = [unitStage, stageOf({ forward: 10 })];
    const simulation = simulate(requestOf({ schedule, stages, queueCapacity: 1 }));
    // m1 enters when m0 is taken, at 1; m2 when worker 1 turns to m1, at 11; m3 at 21.
    expect(worked(simulation)).toEqual([
      '0F0 0–1, 0F1 1–2, 0F2 2–11, 0F3 11–21',
      '1F0 1–11, 1F1 11–21, 1F2 21–31, 1F3 31–41',
    ]);
    expect(simulation.details[0]).toMatchObject({ busy: 4, blocked: 17, idle: 37 });
  });

  it('takes fast workers at their speed, and runs the forward pass again where it has to', () => {
    const machine = {
      ...uniformMachine(2),
      workers: [4, 2].map((speed) => ({ ...uniformMachine(1).workers[0]!, speed })),
    };
    const stages = [stageOf({ forward: 8, backward: 16 }), stageOf({ forward: 8, backward: 16 })];
    expect(worked(simulate(requestOf({ schedule: oneByOne, machine, stages, recompute: 'always' })))).toEqual([
      '0F0 0–2, 0B0 18–24',
      '1F0 2–6, 1B0 6–18',
    ]);
    expect(worked(simulate(requestOf({ schedule: oneByOne, machine, stages, recompute: 'except_last' })))).toEqual(
      worked(simulate(requestOf({ schedule: oneByOne, machine, stages, recompute: 'never' }))),
    );
    expect(simulate(requestOf({ schedule: oneByOne, machine, stages, recompute: ['never', 'always'] })).duration).toBe(
      22,
    );
  });

  it('fills gaps with weight gradients where the backward pass is split', () => {
    const schedule = text(
      'schedule halves',
      'micro-batches 1',
      'placement 0 1',
      'worker 0: 0F0 0I0 0W0',
      'worker 1: 1F0 1I0 1W0',
    );
    const stages = [0, 1].map(() => stageOf({ backwardInput: 2, backwardWeights: 3 }));
    expect(worked(simulate(requestOf({ schedule, stages })))).toEqual([
      '0F0 0–1, 0I0 4–6, 0W0 6–9',
      '1F0 1–2, 1I0 2–4, 1W0 4–7',
    ]);
  });

  it('ends with the slowest update', () => {
    const stages = [stageOf({ update: 5 }), stageOf({ update: 2 })];
    const request = requestOf({ schedule: twoByTwo, stages });
    expect(simulate(request)).toMatchObject({ duration: 6, step: 11 });
    expect(simulatedStep(request)).toBe(11);
  });

  it('has the times of the clock, whatever the schedule, where links are free', () => {
    const cost = stageOf({ forward: 2, backward: 5, backwardInput: 3, backwardWeights: 1 });
    for (const schedule of everySchedule(4, 6)) {
      const times = clockTimes(schedule, cost);
      const simulation = simulate(requestOf({ schedule, stages: schedule.placement.map(() => cost) }));
      expect(simulation.workers.map((spans) => spans.map(({ waited: begin, end }) => ({ begin, end })))).toEqual(times);
      expect(simulation.duration).toBe(Math.max(...times.flat().map((span) => span!.end)));
    }
  });

  it('refuses costs and machines that do not fit the schedule, and schedules that do not end', () => {
    expect(() => simulate(requestOf({ schedule: twoByTwo, stages: [unitStage] }))).toThrow(SimulationError);
    expect(() => simulate(requestOf({ schedule: twoByTwo, machine: uniformMachine(1) }))).toThrow('needs 2');
    expect(() => simulate(requestOf({ schedule: twoByTwo, recompute: ['never'] }))).toThrow(SimulationError);
    const backwards = text('schedule x', 'micro-batches 1', 'placement 0 1', 'worker 0: 0B0 0F0', 'worker 1: 1F0 1B0');
    expect(() => simulate(requestOf({ schedule: backwards }))).toThrow(StuckScheduleError);
    expect(() => simulate(requestOf({ schedule: backwards }))).toThrow('worker 0 at 0B0, worker 1 at 1F0');
  });
});

describe('memory', () => {
  it('peaks where the order of the lists says, whatever the schedule, at one byte a micro-batch', () => {
    for (const schedule of everySchedule(5, 8)) {
      const peaks = simulate(requestOf({ schedule })).details.map(({ memory }) => memory.peak);
      expect(peaks).toEqual(peakActivations(schedule).workers);
    }
  });

  const bytes = stageOf({
    ...{ parameterBytes: 1000, gradientBytes: 1000, optimizerBytes: 2000 },
    ...{ activationBytes: 100, inputBytes: 10, weightBytes: 60 },
    transientBytes: {
      forward: 1,
      forwardDropping: 2,
      forwardAgain: 7,
      backward: 3,
      backwardInput: 4,
      backwardWeights: 5,
    },
  });
  const peak = (request: Partial<SimulationRequest> & { schedule: Schedule }) =>
    simulate(requestOf({ stages: request.schedule.placement.map(() => bytes), ...request })).details[0]?.memory;

  it('is what is fixed, held and passing, by the mode of recomputation', () => {
    const schedule = schedules.gpipe.generate({ stages: 1, microBatches: 4 });
    expect(peak({ schedule, recompute: 'never' })).toMatchObject({ fixed: 4000, activations: 400, peak: 4403 });
    // Three inputs wait while the fourth has everything; then two while one has everything again.
    expect(peak({ schedule, recompute: 'except_last' })).toMatchObject({ activations: 130, peak: 4133 });
    expect(peak({ schedule, recompute: 'always' })).toMatchObject({ activations: 130, peak: 4137 });
  });

  it('keeps what the weight gradients read until they are done', () => {
    const schedule = text(
      'schedule late-weights',
      'micro-batches 2',
      'placement 0',
      'worker 0: 0F0 0I0 0F1 0I1 0W0 0W1',
    );
    // 60 of the first and 100 of the second, and the transient bytes of I.
    expect(peak({ schedule })).toMatchObject({ activations: 160, peak: 4164 });
  });

  const folded = text(
    'schedule fold',
    'micro-batches 1',
    'placement 0 1 0',
    'worker 0: 0F0 2F0 2B0 0B0',
    'worker 1: 1F0 1B0',
  );
  const routes = { stages: 3, portals: [{ skip: 'a', from: 0, to: 2, local: false }] };
  const messageBytes = { outputs: [7, 7, 7], skips: { a: 500 } };
  const holding = [stageOf({ ...bytes, heldSkips: ['a'] }), bytes, bytes];

  it('counts a skip that waits on its own worker, unless its stage holds the same values', () => {
    // Between 0F0 and 2F0: fixed, 100 held, 500 waiting. The gradient of the skip waits behind 2B0.
    expect(peak({ schedule: folded, routes, messageBytes })?.peak).toBe(8000 + 100 + 500);
    const gradient = 8000 + 100 + 500;
    expect(peak({ schedule: folded, routes, messageBytes, stages: holding })?.peak).toBe(gradient);
    const forwards = text('schedule f', 'micro-batches 1', 'placement 0 1 0', 'worker 0: 0F0 2F0', 'worker 1: 1F0');
    expect(peak({ schedule: forwards, routes, messageBytes, stages: holding })?.peak).toBe(8000 + 500);
  });

  it('counts a skip that is threaded through a stage while that works, there and back', () => {
    const chain = text(
      'schedule chain',
      'micro-batches 1',
      'placement 1 0 1',
      'worker 0: 1F0 1B0',
      'worker 1: 0F0 2F0 2B0 0B0',
    );
    const hops = { skip: 'a', local: false };
    const threaded = {
      stages: 3,
      portals: [
        { ...hops, from: 0, to: 1 },
        { ...hops, from: 1, to: 2 },
      ],
    };
    expect(peak({ schedule: chain, routes, messageBytes })?.peak).toBe(4000 + 100 + 3);
    expect(peak({ schedule: chain, routes: threaded, messageBytes })?.peak).toBe(4000 + 100 + 3 + 500);
  });

  it('counts once what two stages of one worker both hold', () => {
    const turn = text('schedule turn', 'micro-batches 1', 'placement 0 0', 'worker 0: 0F0 1F0 1B0 0B0');
    const stages = [stageOf({ ...bytes, holdsOutput: true }), stageOf({ ...bytes, holdsInput: true })];
    const shared = { outputs: [30, 0], skips: {} };
    expect(peak({ schedule: turn, stages, messageBytes: shared })?.activations).toBe(100 + 70);
    expect(peak({ schedule: turn, stages, messageBytes: shared, recompute: 'always' })?.activations).toBe(110);
  });

  it('says how much lies in host memory on its way', () => {
    const machine = uniformMachine(2, { link: { latency: 0, bytesPerMs: 1 } });
    const { details } = simulate(
      requestOf({
        schedule: schedules.forward.generate({ stages: 2, microBatches: 3 }),
        machine,
        messageBytes: { outputs: [10, 0], skips: {} },
      }),
    );
    // Made at 1, 2 and 3; sent one after the other, 10 ms each.
    expect(details.map(({ memory }) => memory.buffered)).toEqual([30, 10]);
  });
});

describe('for any costs, machine and schedule', () => {
  it('busy and idle time make up the step, and no worker does two things at once', () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const { duration, details, workers } = simulate(request);
        for (const [worker, { busy, idle, blocked }] of details.entries()) {
          const spans = workers[worker]!;
          expect(busy + idle).toBeCloseTo(duration, 6);
          expect(idle - blocked).toBeGreaterThanOrEqual(-1e-6);
          expect(spans.every(({ begin, waited, end }) => begin <= waited && waited <= end)).toBe(true);
          expect(spans.slice(1).every(({ begin }, index) => begin === spans[index]!.end)).toBe(true);
        }
      }),
    );
  });

  it('every action begins after its messages have come, and every message after the action that made it has begun', () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const { workers, messages } = simulate(request);
        const spanOf = (worker: number, action: string) => workers[worker]!.find((span) => span.action === action)!;
        for (const { from, to, sender, receiver, begin, end } of messages) {
          expect(spanOf(to, receiver).waited).toBeGreaterThanOrEqual(end);
          expect(begin).toBeGreaterThanOrEqual(spanOf(from, sender).waited);
          expect(end).toBeGreaterThanOrEqual(begin);
        }
      }),
    );
  });

  it('nothing is sooner because something is slower, larger or more', () => {
    const slower: ((request: SimulationRequest, place: number) => SimulationRequest)[] = [
      (request, place) => changeWorker(request, place, ({ speed }) => ({ speed: speed / 2 })),
      (request, place) => changeWorker(request, place, () => ({ copyBytesPerMs: 1 })),
      (request, place) => changeStage(request, place, ({ forward }) => ({ forward: forward + 3 })),
      (request, place) => changeStage(request, place, ({ backward }) => ({ backward: backward + 3 })),
      (request) => changeLink(request, { latency: request.machine.link.latency + 2 }),
      (request) => changeLink(request, { bytesPerMs: request.machine.link.bytesPerMs / 2 }),
      (request) => ({ ...request, recompute: 'always' }),
      (request) => ({ ...request, queueCapacity: request.queueCapacity - 1 }),
    ];
    fc.assert(
      fc.property(arbitraryRequest, fc.constantFrom(...slower), fc.nat(4), (request, change, place) => {
        const { workers } = simulate({ ...request, queueCapacity: request.queueCapacity + 1 });
        const changed = simulate(change({ ...request, queueCapacity: request.queueCapacity + 1 }, place));
        const ends = (spans: Simulation['workers']) => spans.flat().map(({ end }) => end);
        const [before, after] = [ends(workers), ends(changed.workers)];
        expect(after.every((end, index) => end >= before[index]! - 1e-9)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('a step takes at least as long as any worker works, and as any micro-batch takes from end to end', () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const { duration, details, workers, step } = simulate(request);
        expect(Math.max(...details.map(({ busy }) => busy))).toBeLessThanOrEqual(duration + 1e-6);
        const first = workers.flat().filter(({ action }) => parseAction(action).microBatch === 0);
        const path = first.reduce((sum, { waited, end }) => sum + (end - waited), 0);
        // Nothing of one micro-batch runs beside anything else of it; what a full queue adds to a span may, and a skip that is
        // copied out while the next stage has the activation already.
        const free = request.machine.workers.every(({ copyBytesPerMs }) => copyBytesPerMs === Infinity);
        if (free && details.every(({ blocked }) => blocked === 0)) expect(path).toBeLessThanOrEqual(duration + 1e-6);
        expect(step).toBeGreaterThanOrEqual(duration);
        expect(simulatedStep(request)).toBe(step);
      }),
    );
  });

  it('no more is held than everything that there is', () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const { details } = simulate(request);
        for (const [stage, { memory }] of details.entries()) {
          const cost = request.stages[stage]!;
          const most = cost.activationBytes * request.schedule.microBatches;
          expect(memory.fixed).toBe(cost.parameterBytes + cost.gradientBytes + cost.optimizerBytes);
          expect(memory.activations).toBeLessThanOrEqual(most);
          expect(memory.peak).toBeGreaterThanOrEqual(memory.fixed + memory.activations);
        }
      }),
    );
  });
});

const changeWorker = (
  request: SimulationRequest,
  place: number,
  change: (worker: SimulationRequest['machine']['workers'][number]) => object,
): SimulationRequest => {
  const workers = request.machine.workers.map((worker, index) =>
    index === place ? { ...worker, ...change(worker) } : worker,
  );
  return { ...request, machine: { ...request.machine, workers } };
};

const changeStage = (
  request: SimulationRequest,
  place: number,
  change: (cost: SimulationRequest['stages'][number]) => object,
): SimulationRequest => ({
  ...request,
  stages: request.stages.map((cost, index) => (index === place ? { ...cost, ...change(cost) } : cost)),
});

const changeLink = (request: SimulationRequest, change: object): SimulationRequest => ({
  ...request,
  machine: { ...request.machine, link: { ...request.machine.link, ...change } },
});
