import type { EngineProbe } from './probe.ts';

/** What a person is told while an engine is being set up. */
export interface InstallReport {
  /** A step begins; `bytes` where its size is known beforehand. */
  begin(step: string, bytes?: number): void;
  /** How far the step that began last has come. */
  progress(done: number, total?: number): void;
  /** The step that began last is over. */
  end(): void;
  /** Something worth a line. */
  note(line: string): void;
}

/** Everything that a set-up touches of the machine. */
export interface InstallContext {
  /** The folder that `LAMP_CACHE` names; see `engineCache`. */
  readonly cache: string;
  /** The environment that programs are looked up in and run with. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly report: InstallReport;
  /** Loads an addon in a process of its own and computes with it. */
  readonly probe: (addon: string, signal: AbortSignal) => Promise<EngineProbe>;
  /** Free bytes on the disk that holds a folder. */
  readonly freeDisk: (folder: string) => Promise<number>;
}
