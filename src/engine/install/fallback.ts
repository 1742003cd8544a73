import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCompiler, pipCandidates } from './executables.ts';
import type { InstallError } from './installError.ts';
import { enginesDirectory } from './location.ts';
import { hasNvidiaDriver } from './platform.ts';
import { WHEELS } from './recipe.ts';

/** A set-up that found no engine, remembered so that it is not tried again until something has changed. */
interface Fallback {
  readonly machine: string;
  readonly reasons: readonly string[];
}

/** What the outcome of a set-up depends on and can be looked up in no time. */
export function machineState(env: NodeJS.ProcessEnv): string {
  const settings = Object.keys(env)
    .filter((name) => /^(PIP_|TFJS_NODE_|CDN_STORAGE$|https?_proxy$)/i.test(name))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => [name, env[name]]);
  const facts = [pipCandidates(env), findCompiler(env), hasNvidiaDriver(), settings, WHEELS];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

export function rememberFallback(cache: string, env: NodeJS.ProcessEnv, faults: readonly InstallError[]): void {
  const fallback: Fallback = { machine: machineState(env), reasons: faults.map(({ message }) => message) };
  writeFileSync(fileIn(cache), `${JSON.stringify(fallback, null, 2)}\n`);
}

export function forgetFallback(cache: string): void {
  rmSync(fileIn(cache), { force: true });
}

/** The reasons why there is no engine, if nothing that they may depend on has changed since. */
export function rememberedFallback(cache: string, env: NodeJS.ProcessEnv): readonly string[] | undefined {
  try {
    const { machine, reasons } = JSON.parse(readFileSync(fileIn(cache), 'utf8')) as Fallback;
    return machine === machineState(env) ? reasons : undefined;
  } catch {
    return undefined;
  }
}

const fileIn = (cache: string): string => join(enginesDirectory(cache), 'unavailable.json');
