import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runCommand } from './command.ts';
import { findCompiler } from './executables.ts';
import type { InstallContext } from './installContext.ts';
import { InstallError } from './installError.ts';
import { ADDON, LIBRARIES } from './recipe.ts';

const require = createRequire(import.meta.url);
const COMPILE_MS = 10 * 60_000;
const SHOWN_LINES = 12;

/** The C++ compiler, or what to do about there being none. */
export function requireCompiler({ env }: InstallContext): string {
  const compiler = findCompiler(env);
  if (compiler !== undefined) return compiler;
  throw new InstallError('compiler', 'there is no C++ compiler (g++, clang++, or $CXX)', {
    remedy: 'apt-get install g++ && npm run setup',
  });
}

export interface AddonSource {
  /** The engine's folder; the addon and its libraries find each other inside it. */
  readonly engine: string;
  /** TensorFlow's headers. */
  readonly headers: string;
  /** Further folders with libraries, relative to the engine's. */
  readonly libraryFolders: readonly string[];
  /** For object files. */
  readonly objects: string;
}

/** Compiles tfjs-node's two C++ files against the TensorFlow in the engine's folder. */
export async function compileAddon(source: AddonSource, context: InstallContext, log: string): Promise<void> {
  const compiler = requireCompiler(context);
  const addon = join(source.engine, ADDON);
  await mkdir(dirname(addon), { recursive: true });
  await mkdir(source.objects, { recursive: true });
  const objects = ['tfjs_backend', 'tfjs_binding'].map((name) => ({
    file: join(tfjsNode(), 'binding', `${name}.cc`),
    object: join(source.objects, `${name}.o`),
  }));
  const call = (args: readonly string[]): Promise<void> => compile(compiler, args, context, log);
  const settled = await Promise.allSettled(
    objects.map(({ file, object }) => call([...compileFlags(source.headers), '-c', file, '-o', object])),
  );
  for (const result of settled) if (result.status === 'rejected') throw result.reason;
  await call(
    linkArguments(
      source,
      objects.map(({ object }) => object),
      addon,
    ),
  );
}

/** The installed package whose JavaScript calls the addon. */
export const tfjsNode = (): string => dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));

const nodeHeaders = (): string => join(dirname(require.resolve('node-api-headers/package.json')), 'include');

const compileFlags = (headers: string): string[] => [
  ...['-O2', '-std=c++17', '-fPIC', '-w', '-DNAPI_VERSION=8'],
  ...['-I', headers, '-I', nodeHeaders()],
];

/**
 * The addon carries the search path in its old form (DT_RPATH): unlike DT_RUNPATH it also serves what TensorFlow itself
 * loads later by name, which is how it finds CUDA's libraries.
 */
function linkArguments({ engine, libraryFolders }: AddonSource, objects: readonly string[], addon: string): string[] {
  const up = dirname(ADDON).replaceAll(/[^/]+/g, '..');
  // A library found in its own folder finds its neighbours; one found by a link beside TensorFlow may not.
  const searched = [...libraryFolders, LIBRARIES].map((folder) => `$ORIGIN/${up}/${folder}`).join(':');
  return [
    ...['-shared', ...objects, '-o', addon, '-L', join(engine, LIBRARIES)],
    ...['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
    `-Wl,--disable-new-dtags,-rpath,${searched}`,
  ];
}

async function compile(
  compiler: string,
  args: readonly string[],
  { env, signal }: InstallContext,
  log: string,
): Promise<void> {
  const result = await runCommand(compiler, args, { env, signal, log, timeoutMs: COMPILE_MS });
  if (result.kind === 'ended' && result.code === 0) return;
  if (result.kind === 'timed out') throw new InstallError('time', `${compiler} took more than 10 minutes`, { log });
  const said = result.tail.slice(-SHOWN_LINES).map((line) => `\n    ${line}`);
  throw new InstallError('compilation', `${compiler} could not build the addon:${said.join('')}`, {
    remedy: 'a compiler that knows C++17: apt-get install g++ && npm run setup',
    log,
  });
}
