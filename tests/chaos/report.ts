import { formatTable } from '../../src/telemetry/table.ts';
import { describeBlow, type Blow, type FaultKind } from '../support/faults.ts';
import type { ChaosResult } from './chaosRun.ts';

export interface ReportedRun {
  readonly run: number;
  readonly blows: readonly Blow[];
  readonly result: ChaosResult;
}

/** One line a run, and one more for everything that should not be. */
export function describeRun({ run, blows, result }: ReportedRun): string {
  const { landed, recoveries, seconds, problems } = result;
  const met = blows.map((blow) => describeBlow(blow) + (landed.includes(blow) ? '' : ' (too late)')).join(', then ');
  const went = recoveries.map(
    ({ from, seconds }) => from + (seconds === undefined ? '' : ` in ${seconds.toFixed(1)} s`),
  );
  const end = problems.length === 0 ? 'the same end' : 'WRONG';
  return [
    `run ${String(run).padStart(3)}  ${end}  ${seconds.toFixed(1).padStart(5)} s  ${met}${went.length > 0 ? `: from ${went.join(', ')}` : ''}`,
    ...problems.map((problem) => `         ${problem}`),
  ].join('\n');
}

/** By kind of fault: how often it came, what it led to, and how long that took. */
export function describeRuns(runs: readonly ReportedRun[]): string {
  const kinds = [...new Set(runs.flatMap(({ result }) => result.landed.map(({ fault }) => fault.kind)))].toSorted();
  const rows = kinds.map((kind) =>
    rowOf(
      kind,
      runs.filter(({ result }) => result.landed.some(({ fault }) => fault.kind === kind)),
    ),
  );
  const columns = ['fault', 'runs', 'recoveries', 'memory', 'disk', 'beginning', 'median s', 'longest s', 'wrong'];
  const table = formatTable(
    columns.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
    [...rows, rowOf('all', runs)],
  );
  const faults = runs.reduce((sum, { result }) => sum + result.landed.length, 0);
  const wrong = runs.filter(({ result }) => result.problems.length > 0).length;
  return `${table}\n\n${runs.length} runs, ${faults} faults, ${wrong} wrong`;
}

function rowOf(kind: FaultKind | 'all', runs: readonly ReportedRun[]): string[] {
  const recoveries = runs.flatMap(({ result }) => result.recoveries);
  const seconds = recoveries
    .flatMap(({ seconds }) => (seconds === undefined ? [] : [seconds]))
    .toSorted((a, b) => a - b);
  const from = (where: string): number => recoveries.filter((recovery) => recovery.from === where).length;
  const told = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(1));
  const wrong = runs.filter(({ result }) => result.problems.length > 0).length;
  const counts = [runs.length, recoveries.length, from('memory'), from('disk'), from('beginning')].map(String);
  return [kind, ...counts, told(seconds[Math.floor(seconds.length / 2)]), told(seconds.at(-1)), String(wrong)];
}
