import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

/** What this process computes on: the name of its GPU, or of the processor. Profiles hold for one of them. */
export function deviceName(gpu: string | undefined): string {
  const processor = cpus()[0]?.model.trim() ?? process.arch;
  if (!gpu) return processor;
  try {
    const query = ['--query-gpu=name', '--format=csv,noheader', `--id=${gpu}`];
    const name = execFileSync('nvidia-smi', query, {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return `${name.trim()} (GPU ${gpu})`;
  } catch {
    return `GPU ${gpu}`;
  }
}
