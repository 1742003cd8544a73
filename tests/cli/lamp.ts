import { spawnSync } from 'node:child_process';
import { runCommand } from '../../src/cli/main.ts';
import type { Services } from '../../src/cli/services.ts';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const built = new URL('../../dist/cli/main.js', import.meta.url).href;

/** Runs `lamp …` as people do, in a process of its own. */
export function lamp(...words: readonly string[]): Ended {
  const script = `const { main } = await import(${JSON.stringify(built)}); await main(process.argv);`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script, '--', 'lamp', ...words],
    { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' }, timeout: 30_000 },
  );
  return { code: status, out: stdout, err: stderr };
}

const refuse = (): never => {
  throw new Error('this must not be called');
};

/** Runs `lamp …` in this process, with other services behind it. */
export async function lampWith(services: Partial<Services>, ...words: readonly string[]): Promise<Ended> {
  let out = '';
  let err = '';
  const code = await runCommand(words, {
    out: { write: (text) => void (out += text) },
    err: { write: (text) => void (err += text) },
    services: {
      ...{ train: refuse, predict: refuse, runParity: refuse, bench: refuse },
      ...{ profileRun: refuse, exportRun: refuse, planFor: refuse, serveHost: refuse },
      ...services,
    },
  });
  return { code, out, err };
}
