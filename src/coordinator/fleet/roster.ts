import { numberOf, workerName } from '../../transport/names.ts';
import { isWorker, type Member } from './member.ts';

/** Who is there, and in which role. */
export class Roster {
  protected readonly members = new Map<string, Member>();
  protected readonly stages = new Map<string, readonly number[]>();
  /** Whom to tell that somebody has come. */
  #awaiting: (() => void)[] = [];

  /** Which stages a worker holds, for the report of a failure. */
  assign(role: string, stages: readonly number[]): void {
    this.stages.set(role, stages);
  }

  /** Workers that have a part, in order. */
  get workers(): readonly Member[] {
    return [...this.members.values()].filter((member) => isWorker(member) && !member.lost).toSorted(byRole);
  }

  has(role: string): boolean {
    return this.find(role) !== undefined;
  }

  /** Who has a role. */
  member(role: string): Member {
    const member = this.find(role);
    if (!member) throw new Error(`no ${role} in this run`);
    return member;
  }

  protected find(role: string): Member | undefined {
    return [...this.members.values()].find((member) => member.role === role && !member.lost);
  }

  /** Workers of other hosts that have no part, in the order in which they came. */
  get idle(): readonly Member[] {
    return [...this.members.values()].filter(({ role, lost, welcome }) => welcome && role === undefined && !lost);
  }

  get pids(): readonly number[] {
    return [...this.members.values()].map((member) => member.pid);
  }

  pid(role: string): number {
    return this.find(role)?.pid ?? -1;
  }

  /** Gives the workers that are there new numbers, in this order; any other has no part. */
  seat(workers: readonly Member[]): void {
    for (const member of this.members.values()) if (isWorker(member)) member.role = undefined;
    workers.forEach((member, k) => (member.role = workerName(k)));
  }

  /** Resolves when somebody has come, or the signal aborts. */
  protected async nextArrival(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.#awaiting.push(resolve);
    });
  }

  /** Somebody of another host is there, and may be given a part. */
  protected arrived(member: Member): void {
    member.welcome = true;
    for (const tell of this.#awaiting.splice(0)) tell();
  }
}

const byRole = (a: Member, b: Member): number => numberOf(a.role!) - numberOf(b.role!);
