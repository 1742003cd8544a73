import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatPeerArguments, type Joining } from '../../transport/peerArguments.ts';
import { readKeyFile } from '../../transport/keyFile.ts';
import { lookOut } from '../../transport/lookout.ts';
import { parseTidings, type Tidings } from '../../transport/tidings.ts';
import type { Device } from '../devices.ts';
import { Child, describeEnding, entryFile, type Ending } from '../fleet/child.ts';
import { RefusedError, UnreachableError } from './errors.ts';

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
  readonly refused: Extract<Tidings, { kind: 'refused' }> | undefined;
}

/** One worker of this host: a process, and where it dies another in its place, until the run is over. */
export class Slot {
  readonly #number: number;
  readonly #options: SlotOptions;

  constructor(number: number, options: SlotOptions) {
    this.#number = number;
    this.#options = options;
  }

  /** Resolves when the run has ended well. Throws an UnreachableError or a RefusedError where there is no taking part. */
  async serve(): Promise<void> {
    const { signal, coordinator, report } = this.#options;
    let replaces: string | undefined;
    for (let row = 0; ; row++) {
      signal.throwIfAborted();
      const id = `${this.#options.host.name}:${process.pid}:${randomUUID()}`;
      const { ending, joined, refused, silent, output } = await this.#process(id, replaces);
      signal.throwIfAborted();
      if (ending.kind === 'code' && ending.code === 0) return;
      if (refused && !refused.again) throw new RefusedError(coordinator, refused.problem);
      if (joined) [replaces, row] = [id, 0];
      const seconds = Math.min(LONGEST_BACKOFF, 2 ** row);
      const words = output === '' ? '' : `: ${output.split('\n').at(-1)}`;
      const problem =
        refused?.problem ?? (silent ? 'the coordinator has fallen silent' : describeEnding(ending) + words);
      report({ kind: 'restarting', process: this.#number, problem, seconds });
      await sleep(1000 * seconds, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** One process from its start to its end. */
  async #process(id: string, replaces: string | undefined): Promise<Ended> {
    const { coordinator, joining, host, device, wait, report, signal } = this.#options;
    let [joined, problem] = [false, undefined as string | undefined];
    let refused: Ended['refused'];
    let silent = false;
    const over = new AbortController();
    const said = { ...host, ...(replaces === undefined ? {} : { replaces }) };
    const child = new Child(`worker of ${host.name}`, {
      entry: entryFile('worker'),
      args: formatPeerArguments({ id, coordinator, joining: { ...joining, host: said } }),
      ...{ environment: device.environment, cores: device.cores },
      onMessage: (message) => {
        const tidings = parseTidings(message);
        if (tidings.kind === 'joined') {
          joined = true;
          report({ kind: 'joined', process: this.#number });
          void this.#lookOut(id, tidings.deadMilliseconds, over.signal, () => {
            silent = true;
            child.kill();
          });
        } else if (tidings.kind === 'seated') report({ kind: 'seated', process: this.#number, role: tidings.role });
        else if (tidings.kind === 'refused') refused = tidings;
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
    const stop = (): void => void child.terminate(GRACE_MILLISECONDS);
    signal.addEventListener('abort', stop, { once: true });
    let late = false;
    const timer = setTimeout(() => {
      late = !joined && !refused;
      if (late) stop();
    }, 1000 * wait);
    try {
      const ending = await child.ended;
      if (late) throw new UnreachableError(coordinator, wait, problem);
      return { ending, joined, silent, output: child.output, refused };
    } finally {
      clearTimeout(timer);
      over.abort();
      signal.removeEventListener('abort', stop);
    }
  }

  /** Calls `gone` where the coordinator is. */
  async #lookOut(worker: string, deadMilliseconds: number, signal: AbortSignal, gone: () => void): Promise<void> {
    const { coordinator: endpoint, joining } = this.#options;
    const known = joining.keys === undefined ? undefined : readKeyFile(joining.keys, 'worker');
    const security = known && { keys: known.keys, serverKey: known.peerKey };
    await lookOut({ endpoint, security, worker, deadMilliseconds }, signal);
    if (!signal.aborted) gone();
  }
}
