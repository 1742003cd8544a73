import { hostname } from 'node:os';
import { IDLE } from '../../telemetry/failureReport/during.ts';
import type { ProcessFacts, ProcessMemory } from '../../telemetry/failureReport/facts.ts';
import { RecentActions } from '../../telemetry/failureReport/recentActions.ts';
import type { HostFacts, Reply } from '../../transport/protocol.ts';
import type { Child } from './child.ts';

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: unknown): void;
  /** Whether it goes on beside what the process is doing, and says nothing of that. */
  readonly background: boolean;
}

/** What a process said when it came. */
export interface Greeting {
  readonly pid: number;
  /** The public key of its data links, where they have any. */
  readonly key: string | null;
  /** Of a process of another host, or that came by itself. */
  readonly host?: HostFacts | undefined;
}

/** What its main thread is at, by its last heartbeat. */
export interface Pulse {
  readonly doing: 'idle' | 'computing' | 'waiting';
  readonly progress: number;
}

/** One process on the control plane, from its start to its end: what it was asked, and what is known of it. */
export class Member {
  /** Its identity on the control plane; no other process ever has the same. */
  readonly id: string;
  /** Where this coordinator started it; none for one that came by itself. */
  readonly child: Child | undefined;
  /** `worker 1`, `loader`; undefined while it has no part in the run. */
  role: string | undefined;
  greeting: Greeting | undefined;
  /** Whether it has answered the welcome to a worker of another host. */
  welcome = false;
  /** Milliseconds since it was last heard of. */
  silent = 0;
  pulse: Pulse = { doing: 'idle', progress: 0 };
  /** An action such as `1B3`, or a request. */
  doing = 'its start';
  step: number | undefined;
  /** When what was said to it before has left, or is known not to: nothing overtakes what waits for a connection. */
  said: Promise<unknown> = Promise.resolve();
  /** It is ending, or has ended: nothing is expected of it. */
  lost = false;
  /** The number that an evaluation has on the data plane, beyond those of the steps: nobody is told of it. */
  #evaluation: number | undefined;
  readonly #waiting = new Map<number, Waiting>();
  /** For the report of a failure. */
  readonly #recent = new RecentActions();
  #memory: ProcessMemory | undefined;

  constructor(id: string, role: string | undefined, child: Child | undefined) {
    this.id = id;
    this.role = role;
    this.child = child;
  }

  /** Whether a request is open that it has not answered. */
  get asked(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether the reply to the request with this id is still waited for. */
  awaits(id: number): boolean {
    return this.#waiting.has(id);
  }

  /** What a worker of another host computes on. */
  get host(): HostFacts | undefined {
    return this.greeting?.host;
  }

  get pid(): number {
    return this.greeting?.pid ?? this.child?.pid ?? -1;
  }

  /** The reply to the request with this id. */
  wait(id: number, { kind, step, evaluation, background = false }: Asked): Promise<Reply> {
    const reply = new Promise<Reply>((resolve, reject) => this.#waiting.set(id, { resolve, reject, background }));
    // The run may fail before anybody has come to await this; whoever does is told all the same.
    reply.catch(() => {});
    if (evaluation) this.#evaluation = step;
    if (!background) this.at(evaluation ? 'evaluation' : kind, step);
    return reply;
  }

  /** It is at an action or a request now. */
  at(doing: string, step: number | undefined): void {
    this.doing = doing;
    this.step = step === this.#evaluation ? undefined : step;
    this.#recent.begin(doing, this.step, Date.now());
  }

  settle(id: number, reply: Reply): void {
    if (reply.kind === 'stepped' || reply.kind === 'remembered') {
      const { tensors, bytes, peakResident } = reply;
      this.#memory = { tensors, bytes, peakResident };
    }
    this.#waiting.get(id)?.resolve(reply);
    this.#waiting.delete(id);
    if ([...this.#waiting.values()].some(({ background }) => !background)) return;
    this.doing = IDLE;
    this.step = undefined;
    this.#recent.end(Date.now());
  }

  /** What is known of it now; `stages` are those that it holds. */
  facts(stages: readonly number[]): ProcessFacts {
    const { role, id, pid, greeting, doing, step, pulse, silent } = this;
    return {
      ...{ name: role ?? id, pid, host: greeting?.host?.name ?? hostname(), stages, doing, step, silent },
      ...{ pulse: pulse.doing, memory: this.#memory, recent: this.#recent.list },
    };
  }

  /** Ends every wait for a reply. */
  reject(error: unknown): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

interface Asked {
  readonly kind: string;
  readonly step?: number | undefined;
  /** Whether it is a step without a way back. */
  readonly evaluation?: boolean | undefined;
  readonly background?: boolean | undefined;
}

export const isWorker = ({ role }: Member): boolean => role?.startsWith('worker ') ?? false;
