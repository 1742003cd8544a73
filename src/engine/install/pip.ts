import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, type CommandResult } from './command.ts';
import { pipCandidates, type Program } from './executables.ts';
import type { InstallContext } from './installContext.ts';
import { InstallError } from './installError.ts';

const ASK_MS = 30_000;
const DOWNLOAD_MS = 90 * 60_000;
/** A download that has not grown for so long is given up. */
const STALLED_MS = 2 * 60_000;
const LOOK_MS = 250;

export interface Pip {
  readonly program: Program;
  /** Whether it can say how far a download is, as lines (`--progress-bar raw`, since 24.1). */
  readonly tellsProgress: boolean;
}

/** The first pip that answers. */
export async function findPip({ env, signal }: InstallContext, log: string): Promise<Pip> {
  for (const program of pipCandidates(env)) {
    const args = [...program.args, '--version'];
    const result = await runCommand(program.path, args, { env, signal, log, timeoutMs: ASK_MS });
    const version = result.tail.map((line) => line.match(/^pip (\d+)\.(\d+)/)).find((match) => match !== null);
    if (result.kind === 'ended' && result.code === 0 && version) {
      const [, major, minor] = version.map(Number);
      return { program, tellsProgress: major! > 24 || (major === 24 && minor! >= 1) };
    }
  }
  throw new InstallError('pip', 'there is no pip, which downloads TensorFlow', {
    remedy: 'apt-get install python3-pip && npm run setup',
    log,
  });
}

/** Newer platforms' wheels do not run on older ones: TensorFlow's asks for glibc 2.27, CUDA's for less. */
const MANYLINUX = ['manylinux_2_27', 'manylinux_2_26', 'manylinux_2_24', 'manylinux_2_17', 'manylinux2014'];
const OLDER_MANYLINUX = ['manylinux_2_12', 'manylinux2010', 'manylinux_2_5', 'manylinux1'];

/** pip's arguments that choose a wheel by the target alone, whatever Python this machine has. */
export function wheelArguments(requirement: string, arch: string): string[] {
  const tags = arch === 'x86_64' ? [...MANYLINUX, ...OLDER_MANYLINUX] : MANYLINUX;
  return [
    ...['download', requirement, '--no-deps', '--only-binary=:all:'],
    ...['--python-version', '3.11', '--implementation', 'cp'],
    ...tags.flatMap((tag) => ['--platform', `${tag}_${arch}`]),
  ];
}

/** Downloads one wheel to `folder` (which it makes); returns its path. */
export async function downloadWheel(
  pip: Pip,
  source: { readonly requirement: string; readonly bytes: number | undefined },
  folder: string,
  context: InstallContext,
  log: string,
): Promise<string> {
  // pip writes to its temporary folder first: ours, so that its growth can be watched and nothing of it stays.
  const temporary = join(folder, 'tmp');
  await mkdir(temporary, { recursive: true });
  const args = [
    ...pip.program.args,
    ...wheelArguments(source.requirement, wheelArchitecture()),
    ...['--dest', folder, '--no-input', '--disable-pip-version-check', '--retries', '2', '--timeout', '20'],
    ...['--progress-bar', pip.tellsProgress ? 'raw' : 'off'],
  ];
  const watch = watchDownload(folder, source.bytes, context);
  const result = await runCommand(pip.program.path, args, {
    env: { ...context.env, TMPDIR: temporary, PYTHONUNBUFFERED: '1' },
    signal: AbortSignal.any([context.signal, watch.stalled]),
    timeoutMs: DOWNLOAD_MS,
    log,
    onLine: watch.onLine,
  }).catch((error: unknown) => {
    context.signal.throwIfAborted();
    if (!watch.stalled.aborted) throw error;
    throw new InstallError('time', `the download of ${source.requirement} stood still`, { remedy: AGAIN, log });
  });
  watch.stop();
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (result.kind === 'ended' && result.code === 0 && wheel !== undefined) return join(folder, wheel);
  throw notDownloaded(source.requirement, result, log);
}

const AGAIN = 'npm run setup tries again';

function notDownloaded(requirement: string, result: CommandResult, log: string): InstallError {
  if (result.kind === 'timed out') {
    return new InstallError('time', `the download of ${requirement} took too long`, { remedy: AGAIN, log });
  }
  const reason = result.tail.findLast((line) => line.startsWith('ERROR:')) ?? result.tail.at(-1) ?? 'no reason given';
  const said = reason.replace(/^ERROR:\s*/, '');
  return new InstallError('wheel', `pip has no wheel of ${requirement} (${said})`, {
    remedy: 'with a network that reaches PyPI, or PIP_INDEX_URL set to a mirror: npm run setup',
    log,
  });
}

/** Reports a download's progress: from pip's own lines, or from what has grown on disk. */
function watchDownload(folder: string, expected: number | undefined, { report }: InstallContext) {
  const stalled = new AbortController();
  let last = { bytes: -1, at: Date.now() };
  let told = false;
  const grown = (bytes: number, total: number | undefined): void => {
    if (bytes === last.bytes) return;
    last = { bytes, at: Date.now() };
    report.progress(bytes, total);
  };
  const look = async (): Promise<void> => {
    if (Date.now() - last.at > STALLED_MS) stalled.abort();
    if (!told) grown(await bytesBelow(folder), expected);
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  stalled.signal.addEventListener('abort', () => clearInterval(timer));
  return {
    stalled: stalled.signal,
    stop: () => clearInterval(timer),
    onLine: (line: string): void => {
      const [, done, total] = line.match(/^Progress (\d+) of (\d+)$/) ?? [];
      if (done === undefined) return;
      told = true;
      grown(Number(done), Number(total) || expected);
    },
  };
}

/** What the files below a folder hold; those that go away meanwhile count as nothing. */
async function bytesBelow(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      (file) => (file.isFile() ? file.size : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** This machine's architecture as wheels name it. */
export const wheelArchitecture = (): string => (process.arch === 'arm64' ? 'aarch64' : 'x86_64');
