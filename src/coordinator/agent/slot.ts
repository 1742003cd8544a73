import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatPeerArguments, type Joining } from '../../transport/peerArguments.ts';
import { readKeyFile, type KnownKeys } from '../../transport/keyFile.ts';
import { Lookout } from '../../transport/lookout.ts';
import type { Dismissal } from '../../transport/protocol.ts';
import { parseTidings } from '../../transport/tidings.ts';
import type { Device } from '../devices.ts';
import { Child, describeEnding, entryFile, type Ending } from '../fleet/child.ts';
import { RefusedError, RunEndedError, UnreachableError } from './errors.ts';

/** Something that a person who watches `lamp worker` may want to know. */
export type AgentEvent =
  | { readonly kind: 'started'; readonly process: number; readonly pid: number; readonly device: string }
  | { readonly kind: 'joined'; readonly process: number }
  | { readonly kind: 'seated'; readonly process: number; readonly role: string }
  | { readonly kind: 'restarting'; readonly process: number; readonly problem: string; readonly seconds: number };

export interface SlotOptions {
  readonly coordinator: string;
  readonly joining: Omit<Joining, 'host'>;
  /** What is said of this host; `replaces` comes with each process. */
  readonly host: Omit<Joining['host'], 'replaces'>;
  readonly device: Device;
  /** Seconds for which an answer is waited for. */
  readonly wait: number;
  readonly report: (event: AgentEvent) => void;
  readonly signal: AbortSignal;
}

const LONGEST_BACKOFF = 30;
const GRACE_MILLISECONDS = 2_000;

/** How a process of a slot ended, and how far it had come. */
interface Ended {
  readonly ending: Ending;
  readonly joined: boolean;
  /** It was ended because the coordinator did not answer any more. */
  readonly silent: boolean;
  /** The last that it wrote to its standard error. */
  readonly output: string;
  /** Why the coordinator sent it away. */
  readonly dismissal: Dismissal | undefined;
}

/** One worker of this host: a process, and where it dies another in its place, until the run is over. */
export class Slot {
  readonly #number: number;
  readonly #options: SlotOptions;
  readonly #known: KnownKeys | undefined;

  constructor(number: number, options: SlotOptions) {
    this.#number = number;
    this.#options = options;
    const { keys } = options.joining;
    this.#known = keys === undefined ? undefined : readKeyFile(keys, 'worker');
  }

  /**
   * Resolves when the run has ended well. Throws an UnreachableError or a RefusedError where there is no taking part, and a
   * RunEndedError where the run has ended otherwise.
   */
  async serve(): Promise<void> {
    const { signal, coordinator, report } = this.#options;
    let replaces: string | undefined;
    for (let row = 0; ; row++) {
      signal.throwIfAborted();
      const id = `${this.#options.host.name}:${process.pid}:${randomUUID()}`;
      const ended = await this.#process(id, replaces);
      signal.throwIfAborted();
      if (isWell(ended.ending)) return;
      const { dismissal, joined } = ended;
      if (dismissal?.kind === 'refused') throw new RefusedError(coordinator, dismissal.problem);
      if (dismissal && dismissal.kind !== 'replaced')
        throw new RunEndedError(dismissal.problem, dismissal.kind === 'interrupted');
      if (joined) [replaces, row] = [id, 0];
      const seconds = Math.min(LONGEST_BACKOFF, 2 ** row);
      const problem = problemOf(ended);
      report({ kind: 'restarting', process: this.#number, problem, seconds });
      await sleep(1000 * seconds, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** One process from its start to its end. */
  async #process(id: string, replaces: string | undefined): Promise<Ended> {
    const { coordinator, joining, host, device, wait, report, signal } = this.#options;
    let problem: string | undefined;
    let dismissal: Dismissal | undefined;
    let lookout: Lookout | undefined;
    let silent = false;
    const said = { ...host, ...(replaces === undefined ? {} : { replaces }) };
    const untilSilent = async (to: Lookout): Promise<void> => {
      silent = await to.silence();
      if (silent) child.kill();
    };
    const child = new Child(`worker of ${host.name}`, {
      entry: entryFile('worker'),
      args: formatPeerArguments({ id, coordinator, joining: { ...joining, host: said } }),
      ...{ environment: device.environment, cores: device.cores },
      onMessage: (message) => {
        const tidings = parseTidings(message);
        if (tidings.kind === 'joined') {
          report({ kind: 'joined', process: this.#number });
          lookout = this.#lookout(id, tidings.deadMilliseconds);
          void untilSilent(lookout);
        } else if (tidings.kind === 'seated') report({ kind: 'seated', process: this.#number, role: tidings.role });
        else if (tidings.kind === 'dismissed') ({ dismissal } = tidings);
        else problem = tidings.problem;
      },
    });
    const { gpu } = device;
    report({
      kind: 'started',
      process: this.#number,
      pid: child.pid,
      device: gpu === undefined ? 'CPU' : `GPU ${gpu}`,
    });
    const stop = (): void => {
      lookout?.leave(`lamp worker on ${host.name} has ended: ${describeReason(signal.reason)}`, false);
      void child.terminate(GRACE_MILLISECONDS);
    };
    signal.addEventListener('abort', stop, { once: true });
    let late = false;
    const timer = setTimeout(() => {
      late = !lookout && !dismissal;
      if (late) stop();
    }, 1000 * wait);
    try {
      const ending = await child.ended;
      if (late) throw new UnreachableError(coordinator, wait, problem);
      const ended = { ending, joined: lookout !== undefined, silent, output: child.output, dismissal };
      // Nobody else knows it as soon.
      if (!isWell(ending) && !dismissal) lookout?.leave(problemOf(ended), true);
      return ended;
    } finally {
      clearTimeout(timer);
      lookout?.close();
      signal.removeEventListener('abort', stop);
    }
  }

  #lookout(worker: string, deadMilliseconds: number): Lookout {
    const known = this.#known;
    const security = known && { keys: known.keys, serverKey: known.peerKey };
    return new Lookout({ endpoint: this.#options.coordinator, security, worker, deadMilliseconds });
  }
}

const isWell = (ending: Ending): boolean => ending.kind === 'code' && ending.code === 0;

const describeReason = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));

function problemOf({ ending, silent, output, dismissal }: Ended): string {
  if (dismissal) return dismissal.problem;
  if (silent) return 'the coordinator has fallen silent';
  return describeEnding(ending) + (output === '' ? '' : `: ${output.split('\n').at(-1)}`);
}
