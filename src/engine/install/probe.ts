import { fileURLToPath } from 'node:url';
import { loadEnvironment } from '../environment.ts';
import { runCommand } from './command.ts';
import { InstallError } from './installError.ts';

/** What a process that loaded an engine found out about it. */
export interface EngineProbe {
  /** TensorFlow's version. */
  readonly tensorflow: string;
  /** Whether TensorFlow computes on a GPU. */
  readonly usesGpu: boolean;
  /** 1 + 1. */
  readonly sum: number;
}

/** What the probe's process answers. */
export type ProbeAnswer = EngineProbe | { readonly fault: string };

const PROBE_MS = 120_000;
/** Marks the answer among whatever TensorFlow prints. */
export const ANSWER = 'lamp-engine-probe ';

/** Loads an addon in a process of its own, since one that does not fit ends the process, and computes with it. */
export async function probeEngine(
  addon: string,
  signal: AbortSignal,
  options: { readonly env?: NodeJS.ProcessEnv; readonly log?: string; readonly timeoutMs?: number } = {},
): Promise<EngineProbe> {
  const { env = process.env, log, timeoutMs = PROBE_MS } = options;
  const result = await runCommand(process.execPath, [probeProgram(), addon], {
    env: { ...env, ...loadEnvironment({}) },
    signal,
    timeoutMs,
    log,
  });
  if (result.kind === 'timed out') {
    throw new InstallError('time', `the engine had not loaded after ${timeoutMs / 1000} s`, { log });
  }
  return judgeAnswer(answerIn(result.tail), log);
}

function judgeAnswer(answer: ProbeAnswer, log: string | undefined): EngineProbe {
  if ('fault' in answer) throw new InstallError('loading', `the engine does not load: ${answer.fault}`, { log });
  if (answer.sum === 2) return answer;
  throw new InstallError('loading', `the engine says that 1 + 1 is ${answer.sum}`, { log });
}

/** A process that answered nothing was ended by what it loaded. */
function answerIn(tail: readonly string[]): ProbeAnswer {
  const answer = tail.findLast((line) => line.startsWith(ANSWER));
  if (answer !== undefined) return JSON.parse(answer.slice(ANSWER.length)) as ProbeAnswer;
  return { fault: tail.findLast((line) => line.trim() !== '')?.trim() ?? 'its process ended without a word' };
}

/** Processes run the built file, also where the sources are read directly (in tests): Node 20 reads no TypeScript. */
function probeProgram(): string {
  const here = fileURLToPath(new URL('.', import.meta.url));
  return `${here.replace(/\/src\/engine\/install\/$/, '/dist/engine/install/')}probeProgram.js`;
}
