import { noLog, type Log } from '../../telemetry/log/log.ts';
import type { TransportCounters } from '../../transport/counters.ts';
import type { Reply, Request } from '../../transport/protocol.ts';
import { logRequest } from '../../transport/requestLog.ts';
import type { RunFailure } from '../errors.ts';
import type { Member } from './member.ts';

/** What the coordinator's log says of the processes. */
export class FleetLog {
  readonly #log: Log;

  constructor(log: Log = noLog) {
    this.#log = log;
  }

  /** For processes of this machine, which write their logs beside this one. */
  get environment(): Readonly<Record<string, string>> {
    return this.#log.environment;
  }

  /** The same for processes of other hosts, which are told. */
  get place(): { readonly directory: string; readonly level: string } | undefined {
    const { LAMP_LOG_DIR: directory, LAMP_LOG_LEVEL: level } = this.environment;
    return directory === undefined || level === undefined ? undefined : { directory, level };
  }

  started({ id, role, pid }: Member): void {
    this.#log.info('started a process', { peer: role, id, pid });
  }

  greeted(member: Member): void {
    const { pid, host } = member.greeting ?? {};
    this.#log.info('a process is there', { ...peerOf(member), pid, ...(host ? { at: host } : {}) });
  }

  answered(member: Member, request: Request, reply: Reply, milliseconds: number): void {
    logRequest(this.#log, request, reply, milliseconds, peerOf(member));
  }

  failed(failure: RunFailure): RunFailure {
    const { peer, stages, during, step, output, message, cause } = failure;
    this.#log.error('a process failed', { peer, stages, during, step, message, output, cause });
    return failure;
  }

  dropped(member: Member): void {
    this.#log.info('goes on without a process', { ...peerOf(member), pid: member.pid });
  }

  /** What the sockets of the control plane refused, by reason. */
  refused(counters: readonly TransportCounters[]): void {
    for (const refused of counters) if (Object.keys(refused).length > 0) this.#log.info('refused', { ...refused });
  }

  regrouped(lost: readonly string[], left: readonly Member[]): void {
    this.#log.info('all that are left have dropped what they did', { lost, left: left.map(nameOf) });
  }
}

const nameOf = ({ role, id }: Member): string => role ?? id;
const peerOf = (member: Member): { readonly peer: string } => ({ peer: nameOf(member) });
