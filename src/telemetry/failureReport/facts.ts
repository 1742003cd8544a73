import type { RecentAction } from './recentActions.ts';

/** All that is known of a failure of a run. Plain data: it is kept as JSON, and as text by `formatFailureReport`. */
export interface FailureFacts {
  /** Of this form. */
  readonly version: 1;
  /** ISO 8601. */
  readonly time: string;
  /** What the run is called, and its phase where it has any. */
  readonly run: string;
  readonly phase?: string | undefined;
  readonly failure: FailedProcess;
  readonly processes: readonly ProcessFacts[];
  readonly machine: MachineFacts;
  /** `node`, `lamp`, …; what is not known is left out. */
  readonly versions: Readonly<Record<string, string>>;
  readonly layout?: LayoutFacts | undefined;
  readonly outcome: FailureOutcome;
}

export interface FailedProcess {
  /** `worker 1`. */
  readonly peer: string;
  readonly stages: readonly number[];
  readonly step?: number | undefined;
  /** The action or request that it was at. */
  readonly during: string;
  /** The error, and what it came from. */
  readonly causes: readonly { readonly name: string; readonly message: string; readonly stack?: string | undefined }[];
  /** The last that it wrote to its standard error. */
  readonly output: string;
}

/** A process of the run when the failure was noticed. */
export interface ProcessFacts {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  readonly stages: readonly number[];
  readonly doing: string;
  readonly step?: number | undefined;
  /** What its main thread was at by its last sign of life, and for how many milliseconds there was none. */
  readonly pulse: string;
  readonly silent: number;
  /** As it was last told; undefined where it never was. */
  readonly memory?: ProcessMemory | undefined;
  /** The oldest first. */
  readonly recent: readonly RecentAction[];
}

/** Live tensors of the engine, their bytes, and the most that the process ever held. */
export interface ProcessMemory {
  readonly tensors: number;
  readonly bytes: number;
  readonly peakResident: number;
}

/** The machine of the coordinator. Sizes in bytes. */
export interface MachineFacts {
  readonly host: string;
  readonly cores: number;
  /** Over the last minute, processes that wanted to run. */
  readonly load: number;
  readonly memory: number;
  readonly free: number;
  /** Of the coordinator itself. */
  readonly resident: number;
}

/** How the network lay on its workers. */
export interface LayoutFacts {
  readonly workers: number;
  readonly stages: readonly { readonly worker: number; readonly cells: readonly [first: string, last: string] }[];
  readonly microBatches: number;
  readonly recompute: string;
}

/** What was done about it. */
export type FailureOutcome =
  | { readonly kind: 'undecided' }
  /** `from`: `the snapshot of step 120`; `how`: `with a new worker 1`. */
  | { readonly kind: 'recovered'; readonly from: string; readonly how: string; readonly seconds: number }
  | { readonly kind: 'ended'; readonly why: string };
