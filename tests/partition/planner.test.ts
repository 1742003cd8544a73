import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecomputeMode } from '../../src/config/runFile.ts';
import type { TrainingScheduleName } from '../../src/config/scheduleName.ts';
import { messageBytesOf, stageCostOf } from '../../src/partition/modelCost.ts';
import type { ModelCost } from '../../src/partition/modelCost.ts';
import { planRun } from '../../src/partition/planner.ts';
import type { PlanOptions } from '../../src/partition/plan/question.ts';
import { PlanDoesNotFitError } from '../../src/partition/plan/shortage.ts';
import { leastQueueCapacity } from '../../src/pipeline/boundedRun.ts';
import { routesOf } from '../../src/pipeline/routes.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { simulate } from '../../src/pipeline/simulator.ts';
import type { Machine } from '../../src/pipeline/stageCost.ts';
import { everyPartition, everyRow, placementIn } from '../support/everyAssignment.ts';
import { smallMachines, smallModels } from '../support/smallModels.ts';

interface Case {
  readonly schedule: TrainingScheduleName;
  readonly stagesPerWorker: number;
  readonly cost: ModelCost;
  readonly machine: Machine;
  readonly microBatches: number;
  readonly recompute: RecomputeMode;
}

const familyOf = { gpipe: 1, '1f1b': 1, zb_h1: 1, interleaved_1f1b: 2, v_1f1b: 2, zb_v: 2 };

const cases = (schedule: TrainingScheduleName): fc.Arbitrary<Case> => {
  const stagesPerWorker = familyOf[schedule];
  return fc
    .record({ workers: fc.integer({ min: 1, max: stagesPerWorker === 1 ? 4 : 3 }), spare: fc.nat(4) })
    .chain(({ workers, spare }) =>
      fc.record({
        schedule: fc.constant(schedule),
        stagesPerWorker: fc.constant(stagesPerWorker),
        cost: smallModels(workers * stagesPerWorker + spare + (stagesPerWorker === 1 ? 2 : 0)),
        machine: smallMachines(workers),
        microBatches: fc.integer({ min: 1, max: 6 }),
        recompute: fc.constantFrom<RecomputeMode>('never', 'except_last', 'always'),
      }),
    );
};

/** The simulated step of every partition and placement that fits; the least of them. */
const bestOfAll = ({ schedule, stagesPerWorker, cost, machine, microBatches, recompute }: Case): number => {
  const family = stagesPerWorker === 1 ? 'consecutive' : schedule === 'interleaved_1f1b' ? 'interleaved' : 'folded';
  const workers = [...machine.workers.keys()];
  let best = Infinity;
  for (const stageOfCell of everyPartition(cost.cells.length, workers.length * stagesPerWorker)) {
    const ranges = Array.from({ length: workers.length * stagesPerWorker }, (_, stage) => ({
      start: stageOfCell.indexOf(stage),
      end: stageOfCell.lastIndexOf(stage) + 1,
    }));
    const stages = ranges.map((range) => stageCostOf(cost, range));
    const routes = routesOf(cost.cells, { stages: ranges });
    for (const row of everyRow(workers, workers.length)) {
      const placement = placementIn(family, row, stagesPerWorker);
      const again = recompute === 'never' ? 0 : 1;
      const durations = stages.map((each, stage) => {
        const { speed } = machine.workers[placement[stage]!]!;
        return {
          forward: each.forward / speed,
          backward: (each.backward + again * each.forward) / speed,
          backwardInput: (each.backwardInput + again * each.forward) / speed,
          backwardWeights: each.backwardWeights / speed,
        };
      });
      const order = { stages: stages.length, microBatches, placement, durations };
      const made = schedules[schedule].generate(order);
      const { step, details } = simulate({
        ...{ schedule: made, routes, stages, machine, recompute },
        messageBytes: messageBytesOf(cost.cells, { stages: ranges }),
        queueCapacity: Math.max(2, leastQueueCapacity(made, routes) ?? 2),
      });
      if (details.every(({ memory }, worker) => memory.peak <= machine.workers[worker]!.memory))
        best = Math.min(best, step);
    }
  }
  return best;
};

const ratioToBest = (each: Case, options: Partial<PlanOptions>): number => {
  const { cost, machine, microBatches } = each;
  const best = bestOfAll(each);
  try {
    const plan = planRun({
      ...each,
      ...{ costs: () => cost, batchSize: microBatches, workers: machine.workers.length, options },
    });
    return plan.predicted.step / best;
  } catch (error) {
    if (!(error instanceof PlanDoesNotFitError)) throw error;
    return best === Infinity ? 1 : Infinity;
  }
};

const runs = Number(process.env['LAMP_RUNS'] ?? 25);

describe.each(['gpipe', '1f1b', 'zb_h1', 'interleaved_1f1b', 'v_1f1b', 'zb_v'] as const)(
  'a plan for %s',
  (schedule) => {
    it('is within 1%% of the best of all partitions and placements, by climbing alone', () => {
      fc.assert(
        fc.property(cases(schedule), (each) => {
          expect(ratioToBest(each, { tryAll: 0 })).toBeLessThanOrEqual(1.01);
        }),
        { numRuns: runs },
      );
    });
  },
);
