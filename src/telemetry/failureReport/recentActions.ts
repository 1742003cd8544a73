/** What a process was at, in milliseconds since 1970 by the coordinator's clock, when it heard of it. */
export interface RecentAction {
  /** An action such as `2F0`, or a request such as `apply`. */
  readonly action: string;
  readonly step?: number | undefined;
  readonly began: number;
  /** Undefined while it goes on. */
  readonly ended?: number | undefined;
}

const KEPT = 20;

/** The last actions of a process, one after the other: each ends where the next one begins, or where there is none. */
export class RecentActions {
  readonly #kept: number;
  readonly #actions: RecentAction[] = [];

  constructor(kept = KEPT) {
    this.#kept = kept;
  }

  begin(action: string, step: number | undefined, now: number): void {
    this.end(now);
    this.#actions.push({ action, step, began: now });
    if (this.#actions.length > this.#kept) this.#actions.shift();
  }

  end(now: number): void {
    const last = this.#actions.at(-1);
    if (last && last.ended === undefined) this.#actions[this.#actions.length - 1] = { ...last, ended: now };
  }

  /** The oldest first. */
  get list(): readonly RecentAction[] {
    return [...this.#actions];
  }
}
