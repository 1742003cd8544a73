import type { TextOutput } from '../telemetry/reporter.ts';
import type { Services } from './services.ts';

/** What a command has to do with the world: where it writes, what it calls, and the exit code that it leaves. */
export interface CliContext {
  readonly out: TextOutput;
  readonly err: TextOutput;
  readonly services: Services;
  exitCode: number;
}
