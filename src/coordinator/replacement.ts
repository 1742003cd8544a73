import type { HostFacts } from '../transport/protocol.ts';

/** For so long a host is given the chance to start another process in the place of its own, before one of another is taken. */
const PATIENCE_MILLISECONDS = 5_000;

/** Somebody who has come and has no part. */
interface Candidate {
  readonly host?: Pick<HostFacts, 'agent' | 'name' | 'replaces'> | undefined;
}

/** A worker of another host whose place is to be taken. */
export interface LostWorker {
  readonly id: string;
  /** The `lamp worker` that had started it, and the name of its host. */
  readonly agent: string;
  readonly host: string;
  /** It is known that no other will be started in its place. */
  readonly forGood: boolean;
}

export type Choice<C> =
  | { readonly kind: 'take'; readonly candidate: C }
  /** For somebody to come, or until so many milliseconds have passed. */
  | { readonly kind: 'wait'; readonly milliseconds: number }
  | { readonly kind: 'none' };

/**
 * Who takes the place of a worker that was lost: the one that was started for that; else, once there has been time for it to come,
 * whoever there is, of the same host before others, and those that others wait for last.
 *
 * @param waited milliseconds since it was asked first, of `wait` that there are
 * @param others who else is lost, by id
 */
export function chooseReplacement<C extends Candidate>(
  idle: readonly C[],
  lost: LostWorker,
  { waited, wait, others = [] }: { waited: number; wait: number; others?: readonly string[] },
): Choice<C> {
  const own = idle.find(({ host }) => host?.replaces === lost.id);
  if (own) return { kind: 'take', candidate: own };
  const patience = lost.forGood ? 0 : Math.min(PATIENCE_MILLISECONDS, wait);
  if (waited < patience) return { kind: 'wait', milliseconds: patience - waited };
  const [best] = idle.toSorted((a, b) => distance(a, lost, others) - distance(b, lost, others));
  if (best) return { kind: 'take', candidate: best };
  return waited < wait ? { kind: 'wait', milliseconds: wait - waited } : { kind: 'none' };
}

function distance({ host }: Candidate, lost: LostWorker, others: readonly string[]): number {
  if (host?.replaces !== undefined && others.includes(host.replaces)) return 3;
  if (host?.agent === lost.agent) return 0;
  return host?.name === lost.host ? 1 : 2;
}
