import { formatTable } from './table.ts';
import type { PhaseSummary, TrainEvent } from './trainEvent.ts';
import { formatCount, formatDuration } from './units.ts';

/** An event as lines of text; undefined for a step, which the progress shows. */
export function describeEvent(event: TrainEvent): string | undefined {
  switch (event.kind) {
    case 'launched':
      return describeLaunch(event);
    case 'validated': {
      const best = event.best ? ', the best so far' : '';
      return `epoch ${event.epoch}: validated in ${formatDuration(event.seconds)}, mean Dice ${event.meanDice.toFixed(3)}${best}`;
    }
    case 'finished':
      return describeEnd(event);
    case 'saved':
      return `saved ${event.what}: ${event.path}`;
    case 'not finite': {
      const where = event.place === undefined ? '' : ` (first ${event.place})`;
      const rate = event.rate === undefined ? '' : `; the learning rate is ${event.rate} from here on`;
      return `step ${event.step}: the ${event.what} is not finite${where}: left out${rate}`;
    }
    case 'failed':
      return `${event.problem}\n  going on without what was lost (restart ${event.restart} of ${event.of}) …`;
    case 'recovered':
      return describeRecovery(event);
    case 'resumed':
      return `going on after step ${event.step} (epoch ${event.epoch}), from ${event.checkpoint}`;
    case 'note':
      return event.text;
    case 'step':
    // It is in the metrics and the log: strangers do not get to fill the terminal.
    case 'refused':
      return undefined;
  }
}

const sources = { memory: "the workers' memories", disk: 'the last checkpoint', beginning: 'the beginning' };

function describeRecovery({ step, from, seconds, workers }: Extract<TrainEvent, { kind: 'recovered' }>): string {
  const many = formatCount(workers.length, 'worker');
  return `going on after step ${step} on ${many}, from ${sources[from]}, after ${formatDuration(seconds)}`;
}

function describeEnd({ phase, steps, updates, seconds, epochs, stoppedEarly, best }: PhaseSummary): string {
  const whose = phase === undefined ? 'trained' : `phase ${phase}:`;
  const made = updates === steps ? '' : `, ${formatCount(updates, 'update')}`;
  const early = stoppedEarly ? ' and stopped early, since validation became no better' : '';
  const dice = best ? `; best mean Dice ${best.meanDice.toFixed(3)}, after epoch ${best.epoch}` : '';
  return `${whose} ${formatCount(epochs, 'epoch')}, ${formatCount(steps, 'step')}${made} in ${formatDuration(seconds)}${early}${dice}`;
}

function describeLaunch({
  phase,
  done,
  workers,
  parameters,
  steps,
}: Extract<TrainEvent, { kind: 'launched' }>): string {
  const rows = workers.flatMap(({ worker, pid, stages, share, device }) =>
    stages.map(({ cells }, place) => [
      // What is the worker's stands beside the first of its stages.
      ...(place === 0 ? [String(worker), String(pid)] : ['', '']),
      ...cells,
      ...(place === 0 ? [`${Math.round(share * 100)}%`, device] : ['', '']),
    ]),
  );
  const table = formatTable(
    [
      { title: 'worker', align: 'right' },
      { title: 'pid', align: 'right' },
      { title: 'from' },
      { title: 'to' },
      { title: 'cost', align: 'right' },
      { title: 'device' },
    ],
    rows,
  );
  const summary = `${formatCount(parameters, 'parameter')} on ${formatCount(workers.length, 'worker')}`;
  const place = phase ? `phase ${phase.name} (${phase.number} of ${phase.of}): ` : '';
  return `${place}${summary}, ${formatCount(steps - (done?.steps ?? 0), 'step')}\n${table}`;
}
