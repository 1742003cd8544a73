import type { ParityResult } from './services.ts';
import { formatTable } from '../telemetry/table.ts';
import { formatCount, formatDuration } from '../telemetry/units.ts';

/**
 * One case: the largest error of every kind of tensor against its tolerance.
 *
 *     unet3d_micro4 (train, 2 workers): agrees, 3 s
 *       tensors     error  tolerance            worst
 *       output     1.2e-6     5.0e-5  ok        output
 */
export function describeParity(result: ParityResult, workers: number): string {
  const what = [result.kind, ...workersOf(result, workers)].join(', ');
  const title = `${result.case} (${what})`;
  if (result.status === 'skipped') return `${title}: skipped, ${result.reason}`;
  const rows = result.errors.map(({ tensors, worst, error, tolerance, agrees }) => [
    `  ${tensors}`,
    error.toExponential(1),
    tolerance.toExponential(1),
    agrees ? 'ok' : 'DIFFERS',
    worst,
  ]);
  const columns = [
    { title: '  tensors' },
    { title: 'error', align: 'right' },
    { title: 'tolerance', align: 'right' },
    {},
    { title: 'worst' },
  ] as const;
  return `${title}: ${result.status}, ${formatDuration(result.seconds)}\n${formatTable(columns, rows)}`;
}

/** `2 workers`, of what runs through a pipeline; `1 worker, for it has not cells for more`. */
function workersOf({ kind, status, mostWorkers }: ParityResult, asked: number): string[] {
  if (kind !== 'train' && (kind !== 'module' || status === 'skipped')) return [];
  const most = mostWorkers ?? asked;
  return [formatCount(Math.min(most, asked), 'worker') + (most < asked ? ', for it has not cells for more' : '')];
}

/** `41 agree, 0 differ, 2 skipped` */
export function summarizeParity(results: readonly ParityResult[]): string {
  const count = (status: ParityResult['status']): number => results.filter((result) => result.status === status).length;
  const summary = `${count('agrees')} agree, ${count('differs')} differ, ${count('skipped')} skipped`;
  return count('agrees') + count('differs') === 0 ? `${summary}: no case was run` : summary;
}
