import { stagesOnWorker, trainingScheduleNames } from '../../config/scheduleName.ts';
import { chunk } from '../../pipeline/microBatch.ts';
import { judged } from './climb.ts';
import type { Judged } from './climb.ts';
import { isBetter, Judge } from './judge.ts';
import type { Verdict } from './judge.ts';
import type { PlanOptions, PlanQuestion } from './question.ts';
import { refine } from './refine.ts';
import type { Setting } from './setting.ts';
import { givenStart, startOf } from './starts.ts';
import type { Start } from './starts.ts';

/** A setting with its best assignment so far. */
export interface Try extends Judged {
  readonly judge: Judge;
  readonly starts: readonly Start[];
  readonly refined: boolean;
}

export const byVerdict = (a: { verdict: Verdict }, b: { verdict: Verdict }): number =>
  isBetter(a.verdict, b.verdict) ? -1 : isBetter(b.verdict, a.verdict) ? 1 : 0;

/** Every setting that the question leaves open and that has enough cells. */
export const settingsOf = (question: PlanQuestion): Setting[] => {
  const { machine, batchSize, balance, skips = 'auto' } = question;
  const recomputes =
    question.recompute === 'auto' ? (['never', 'except_last', 'always'] as const) : [question.recompute];
  const microBatches = question.microBatches === 'auto' ? countsOf(batchSize) : [question.microBatches];
  const workers = question.workers === 'auto' ? countsOf(machine.workers.length) : [question.workers];
  return microBatches.flatMap((count) => {
    const cost = question.costs(count);
    const settings = recomputes.flatMap((recompute) =>
      schedulesOf(question).flatMap((way) =>
        workers.map((number) => ({ ...way, workers: number, microBatches: count, recompute, skips, machine, cost })),
      ),
    );
    const cells = balance?.length ?? cost.cells.length;
    return settings.filter(({ workers: used, stagesPerWorker }) =>
      balance ? used * stagesPerWorker === cells : used * stagesPerWorker <= cells,
    );
  });
};

/** 1, 2, 4 … and the last; for a batch, only counts that it can be cut into. */
const countsOf = (most: number): number[] => {
  const powers = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, power) => 2 ** power);
  const counts = most <= 8 ? Array.from({ length: most }, (_, index) => index + 1) : [...powers, most];
  return [...new Set(counts.map((count) => chunk(most, count).length))];
};

const schedulesOf = ({ schedule, stagesPerWorker }: PlanQuestion): Pick<Setting, 'schedule' | 'stagesPerWorker'>[] => {
  const names = schedule === 'auto' ? trainingScheduleNames : [schedule];
  return names.flatMap((name) => {
    const known = stagesOnWorker[name];
    const usual = known !== 'any' ? known : name === 'interleaved_1f1b' ? 2 : 1;
    if (known !== 'any' && stagesPerWorker !== undefined && stagesPerWorker !== known && schedule === 'auto') return [];
    return [{ schedule: name, stagesPerWorker: known === 'any' ? (stagesPerWorker ?? usual) : known }];
  });
};

export const firstTry = (setting: Setting, { balance }: PlanQuestion, effort: number): Try | undefined => {
  const start = balance ? { assignment: givenStart(setting, balance), fits: true } : startOf(setting, 'full', effort);
  if (!start) return undefined;
  const judge = new Judge(setting);
  return { judge, starts: [start], refined: false, ...judged(judge, start.assignment) };
};

export const refinedTry = (first: Try, { balance }: PlanQuestion, options: PlanOptions): Try => {
  const { judge } = first;
  const starts = balance
    ? first.starts
    : [...first.starts, startOf(judge.setting, 'copies', options.effort) ?? []].flat();
  const patience = { left: Math.ceil(options.actions / judge.actions) };
  const best = refine(
    judge,
    starts.map(({ assignment }) => assignment),
    { ...options, cuts: balance === undefined },
    patience,
  );
  return { ...first, ...best, starts, refined: true };
};
