import fc from 'fast-check';
import type { MessageBytes, StageCost } from '../../src/pipeline/stageCost.ts';
import type { SimulationRequest } from '../../src/pipeline/simulator.ts';
import { uniformMachine } from '../../src/pipeline/stageCost.ts';
import { chainOf } from '../../src/pipeline/messages.ts';
import { leastQueueCapacity } from '../../src/pipeline/boundedRun.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { mirroredRoutes, threadedRoutes } from './skipNets.ts';

/** A stage of which every pass takes one millisecond, and every micro-batch holds one byte. */
export const unitStage: StageCost = {
  forward: 1,
  backward: 1,
  backwardInput: 1,
  backwardWeights: 1,
  update: 0,
  parameterBytes: 0,
  gradientBytes: 0,
  optimizerBytes: 0,
  activationBytes: 1,
  inputBytes: 1,
  weightBytes: 1,
  transientBytes: {
    forward: 0,
    forwardDropping: 0,
    forwardAgain: 0,
    backward: 0,
    backwardInput: 0,
    backwardWeights: 0,
  },
  holdsInput: false,
  holdsOutput: false,
  heldSkips: [],
};

/** The same with some figures changed. */
export const stageOf = (changes: Partial<StageCost>): StageCost => ({ ...unitStage, ...changes });

export const noBytes: MessageBytes = { outputs: [], skips: {} };

/** A plain request: unit stages in a chain, on equal workers with links that cost nothing. */
export const requestOf = (
  changes: Partial<SimulationRequest> & Pick<SimulationRequest, 'schedule'>,
): SimulationRequest => ({
  routes: chainOf(changes.schedule.placement.length),
  stages: changes.schedule.placement.map(() => unitStage),
  messageBytes: noBytes,
  machine: uniformMachine(changes.schedule.workers.length),
  recompute: 'never',
  queueCapacity: 64,
  ...changes,
});

const milliseconds = fc.integer({ min: 0, max: 20 });
const bytes = fc.integer({ min: 0, max: 50 });

const arbitraryStage: fc.Arbitrary<StageCost> = fc.record({
  forward: milliseconds,
  backward: milliseconds,
  backwardInput: milliseconds,
  backwardWeights: milliseconds,
  update: milliseconds,
  parameterBytes: bytes,
  gradientBytes: bytes,
  optimizerBytes: bytes,
  activationBytes: fc.integer({ min: 50, max: 99 }),
  inputBytes: bytes,
  weightBytes: bytes,
  transientBytes: fc.record({
    forward: bytes,
    forwardDropping: bytes,
    forwardAgain: bytes,
    backward: bytes,
    backwardInput: bytes,
    backwardWeights: bytes,
  }),
  holdsInput: fc.constant(false),
  holdsOutput: fc.constant(false),
  heldSkips: fc.constant([]),
});

const families = ['gpipe', '1f1b'] as const;

/** Any schedule that we have, on any machine, with any costs, and with queues that are long enough. */
export const arbitraryRequest: fc.Arbitrary<SimulationRequest> = fc
  .record({
    family: fc.constantFrom(...families),
    stages: fc.integer({ min: 1, max: 5 }),
    microBatches: fc.integer({ min: 1, max: 6 }),
    routesFor: fc.constantFrom(chainOf, mirroredRoutes, threadedRoutes),
    extra: fc.integer({ min: 0, max: 3 }),
    recompute: fc.constantFrom('always', 'except_last', 'never'),
  })
  .chain(({ family, stages, microBatches, routesFor, extra, recompute }) => {
    const schedule = schedules[family].generate({ stages, microBatches });
    const routes = routesFor(stages);
    return fc.record({
      schedule: fc.constant(schedule),
      routes: fc.constant(routes),
      recompute: fc.constant(recompute),
      queueCapacity: fc.constant((leastQueueCapacity(schedule, routes) ?? 1) + extra),
      stages: fc.array(arbitraryStage, { minLength: stages, maxLength: stages }),
      messageBytes: fc.record({
        outputs: fc.array(bytes, { minLength: stages, maxLength: stages }),
        skips: fc.record({ 'skip.0': bytes, 'skip.1': bytes }),
      }),
      machine: fc.record({
        workers: fc.array(
          fc.record({
            speed: fc.constantFrom(0.5, 1, 2),
            memory: fc.constant(Infinity),
            copyBytesPerMs: fc.constantFrom(2, Infinity),
          }),
          { minLength: stages, maxLength: stages },
        ),
        link: fc.record({ latency: fc.integer({ min: 0, max: 5 }), bytesPerMs: fc.constantFrom(1, 4, Infinity) }),
        links: fc.constant({}),
      }),
    });
  });
