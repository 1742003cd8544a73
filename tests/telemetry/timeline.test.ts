import { describe, expect, test } from 'vitest';
import { schedules } from '../../src/pipeline/schedules.ts';
import { simulate } from '../../src/pipeline/simulator.ts';
import { uniformMachine } from '../../src/pipeline/stageCost.ts';
import { recordedTimeline, timeShares } from '../../src/telemetry/timeline.ts';
import { requestOf } from '../pipeline/costs.ts';

const schedule = schedules['1f1b'].generate({ stages: 3, microBatches: 4 });
const routes = { stages: 3, portals: [{ skip: 'a', from: 0, to: 2, local: false }] };
const machine = uniformMachine(3, { link: { latency: 1, bytesPerMs: 2 } });
const simulation = simulate(
  requestOf({ schedule, routes, machine, messageBytes: { outputs: [4, 4, 0], skips: { a: 6 } } }),
);

describe('the timeline of a real step', () => {
  test('has the messages that the simulator has, between the same actions', () => {
    const recorded = recordedTimeline({ schedule, routes, spans: simulation.workers, bytes: () => 4 });
    const ends = ({ key, from, to, sender, receiver }: (typeof recorded.messages)[number]) =>
      [key, from, to, sender, receiver].join(' ');
    expect(recorded.messages.map(ends).toSorted()).toEqual(simulation.messages.map(ends).toSorted());
    expect(recorded.duration).toBe(simulation.duration);
    expect(recorded.messages.every(({ begin, end, bytes }) => begin <= end && bytes === 4)).toBe(true);
  });

  test('puts workers that began at different times on one clock', () => {
    const starts = [0, 5, 10];
    const { workers, duration } = recordedTimeline({ schedule, routes, spans: simulation.workers, starts });
    expect(workers.map((spans) => spans[0]!.begin)).toEqual(starts);
    expect(duration).toBe(Math.max(...simulation.workers.map((spans, worker) => spans.at(-1)!.end + starts[worker]!)));
  });

  test('has its messages when their workers saw them, where they noted it', () => {
    const sent = [[{ key: 'activation 0>1 m0', bytes: 7, begin: 1.5 }], [], []];
    const received = [[], [{ key: 'activation 0>1 m0', at: 2 }], []];
    const starts = [0, 10, 0];
    const { messages } = recordedTimeline({ schedule, routes, spans: simulation.workers, starts, sent, received });
    expect(messages.find(({ key }) => key === 'activation 0>1 m0')).toMatchObject({ bytes: 7, begin: 1.5, end: 12 });
  });

  test('of a step that was cut short has what was done', () => {
    const spans = simulation.workers.map((all) => all.slice(0, 1));
    const { messages } = recordedTimeline({ schedule, routes, spans });
    expect(messages.map(({ key }) => key)).toEqual(['activation 0>1 m0', 'skip a 0>2 m0', 'activation 1>2 m0']);
  });

  test('shares its time as the simulator says, where copies cost nothing and nobody is held up', () => {
    expect(timeShares(simulation)).toEqual(
      simulation.details.map(({ busy, idle, bubble }) => ({ busy, idle, bubble })),
    );
  });

  test('of nothing is nothing', () => {
    const empty = recordedTimeline({ schedule, routes, spans: [[], [], []] });
    expect(empty).toEqual({ duration: 0, workers: [[], [], []], messages: [] });
    expect(timeShares(empty).map(({ bubble }) => bubble)).toEqual([0, 0, 0]);
  });
});
