import { RandomStream } from '../../src/random/stream.ts';

/** The process that a fault meets, as it calls itself behind `lamp`. */
export type Victim = `worker ${number}` | 'loader';

/** A link that faults meet: the one to the coordinator, or those between workers. */
export type HarmedLink = 'control' | 'data';

export type Fault =
  /** SIGKILL. */
  | { readonly kind: 'kill'; readonly victim: Victim }
  /** SIGSTOP, and never continued. */
  | { readonly kind: 'stop'; readonly victim: Victim }
  /** SIGSTOP, and continued after a while: before the heartbeat is missed, or after. */
  | { readonly kind: 'pause'; readonly victim: Victim; readonly milliseconds: number }
  /** SIGKILL of the coordinator; then `lamp train --resume`. */
  | { readonly kind: 'resume' }
  /** All connections of the link are closed; new ones are welcome. */
  | { readonly kind: 'drop'; readonly link: HarmedLink }
  /** The link is cut in the middle of a message. */
  | { readonly kind: 'cut'; readonly link: HarmedLink; readonly bytes: number }
  /** Nothing goes over the link for a while, and nobody is told. */
  | { readonly kind: 'freeze'; readonly link: HarmedLink; readonly milliseconds: number }
  /** From now on everything is late. */
  | { readonly kind: 'delay'; readonly link: HarmedLink; readonly milliseconds: number }
  /** From now on the link is slow. */
  | { readonly kind: 'throttle'; readonly link: HarmedLink; readonly bytesPerSecond: number };

export type FaultKind = Fault['kind'];

/** A fault, and when it comes: so long after the coordinator reported that so many steps are done. */
export interface Blow {
  readonly step: number;
  readonly milliseconds: number;
  readonly fault: Fault;
}

export interface FaultRules {
  readonly workers: number;
  /** Of the run; faults come while it is under way. */
  readonly steps: number;
  /** Seconds of silence after which a process is given up. */
  readonly heartbeat: number;
  readonly kinds: readonly FaultKind[];
}

export const processFaults = ['kill', 'stop', 'pause', 'resume'] as const satisfies readonly FaultKind[];
export const linkFaults = ['drop', 'cut', 'freeze', 'delay', 'throttle'] as const satisfies readonly FaultKind[];

/** One run in so many meets a second fault. */
const SECOND = 4;
/** About as long as a step of the small net takes, with its update. */
const LATEST_MILLISECONDS = 60;

/**
 * What befalls a run: a fault, now and then two, at any moment from its launch to just before its end. The same seed and run
 * give the same faults; kinds take turns, so that each has its share of any number of runs.
 */
export function drawFaults(seed: number, run: number, rules: FaultRules): readonly Blow[] {
  const random = new RandomStream(seed, 'faults', run);
  const kinds = new RandomStream(seed, 'kinds', Math.floor(run / rules.kinds.length)).shuffle([...rules.kinds]);
  const first = blow(random, kinds[run % kinds.length]!, rules);
  if (random.integer(SECOND) > 0) return [first];
  // A resumed run is another process: what met the first has nothing to wait for in it.
  const others = rules.kinds.filter((kind) => kind !== 'resume' && first.fault.kind !== 'resume');
  if (others.length === 0) return [first];
  const second = blow(random, others[random.integer(others.length)]!, rules);
  // At once, or each when its time has come.
  const both = [
    first,
    random.integer(2) === 0 ? { ...second, step: first.step, milliseconds: first.milliseconds } : second,
  ];
  return both.toSorted((a, b) => a.step - b.step || a.milliseconds - b.milliseconds);
}

const blow = (random: RandomStream, kind: FaultKind, rules: FaultRules): Blow => ({
  step: random.integer(rules.steps - 1),
  milliseconds: random.integer(LATEST_MILLISECONDS),
  fault: fault(random, kind, rules),
});

function fault(random: RandomStream, kind: FaultKind, { workers, heartbeat }: FaultRules): Fault {
  const which = random.integer(workers + 1);
  const victim: Victim = which === workers ? 'loader' : `worker ${which}`;
  const link: HarmedLink = random.integer(2) === 0 ? 'control' : 'data';
  const between = (low: number, high: number): number => Math.round(random.uniform(low, high));
  switch (kind) {
    case 'kill':
    case 'stop':
      return { kind, victim };
    case 'pause':
      return { kind, victim, milliseconds: between(100, 2000 * heartbeat) };
    case 'resume':
      return { kind };
    case 'drop':
      return { kind, link };
    case 'cut':
      return { kind, link, bytes: between(1, 20_000) };
    case 'freeze':
      return { kind, link, milliseconds: between(100, 2000 * heartbeat) };
    case 'delay':
      return { kind, link, milliseconds: between(5, 100) };
    case 'throttle':
      return { kind, link, bytesPerSecond: between(20_000, 200_000) };
  }
}

/** For a line of a report: `stop worker 1 after step 7 + 23 ms`. */
export function describeBlow({ step, milliseconds, fault: { kind, ...rest } }: Blow): string {
  const values = Object.values(rest).map(String);
  return [kind, ...values, `after step ${step} + ${milliseconds} ms`].join(' ');
}
