import { cp, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { tfjsNode } from './compile.ts';
import { runCommand } from './command.ts';
import { checkDisk } from './disk.ts';
import type { InstallContext } from './installContext.ts';
import { InstallError } from './installError.ts';
import { enginesDirectory } from './location.ts';
import { ADDON, TFJS_VERSION, type WheelVariant } from './recipe.ts';
import { TimeLimit } from './timeLimit.ts';

const INSTALL_MS = 10 * 60_000;
const ANSWER_MS = 10_000;
const DISK_BYTES = 2e9;

/**
 * Downloads what tfjs-node's own install script does (TensorFlow 2.9.1, and an addon for it) in a copy of the package,
 * and returns the engine's folder in `workspace`.
 */
export async function downloadPrebuilt(
  variant: WheelVariant,
  workspace: string,
  context: InstallContext,
  log: string,
): Promise<string> {
  const { report, signal, env } = context;
  checkDisk(enginesDirectory(context.cache), await context.freeDisk(workspace), DISK_BYTES);
  report.begin("download tfjs-node's own TensorFlow 2.9.1");
  await checkHost(context);
  const copy = await copyPackage(workspace);
  const bin = join(copy, 'node_modules', '.bin');
  const result = await runCommand(process.execPath, ['scripts/install.js', variant, 'download'], {
    cwd: copy,
    env: { ...env, PATH: [bin, dirname(process.execPath), env.PATH].join(delimiter) },
    signal,
    log,
    timeoutMs: INSTALL_MS,
  });
  if (result.kind !== 'ended' || result.code !== 0) {
    const said =
      result.kind === 'timed out' ? 'it took more than 10 minutes' : (result.tail.at(-1) ?? 'no reason given');
    throw new InstallError('prebuilt', `tfjs-node's own download failed (${said})`, { log });
  }
  const engine = join(workspace, 'prebuilt');
  await mkdir(engine);
  for (const folder of ['deps', 'lib']) await rename(join(copy, folder), join(engine, folder));
  report.end();

  report.begin('try the engine');
  const { tensorflow } = await context.probe(join(engine, ADDON), signal);
  report.end();
  const description = { tfjs: TFJS_VERSION, tensorflow, node: process.version };
  await writeFile(join(engine, 'engine.json'), `${JSON.stringify(description, null, 2)}\n`);
  return engine;
}

/** The script writes into its package, so it gets one of its own; what it requires it finds where ours does. */
async function copyPackage(workspace: string): Promise<string> {
  const source = tfjsNode();
  const copy = join(workspace, 'package');
  await mkdir(copy);
  for (const part of ['package.json', 'scripts', 'binding', 'binding.gyp']) {
    await cp(join(source, part), join(copy, part), { recursive: true });
  }
  await symlink(join(source, '..', '..'), join(copy, 'node_modules'));
  return copy;
}

/** The script waits for its host for ever; a network that does not reach it is known in seconds. */
async function checkHost({ env, signal }: InstallContext): Promise<void> {
  // Through a proxy only the script itself can tell.
  if (env.HTTPS_PROXY || env.https_proxy || env.HTTP_PROXY || env.http_proxy) return;
  const host = env.TFJS_NODE_CDN_STORAGE || env.CDN_STORAGE || 'https://storage.googleapis.com/';
  const limit = new TimeLimit(signal, ANSWER_MS);
  try {
    await fetch(host, { method: 'HEAD', signal: limit.signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new InstallError('prebuilt', `tfjs-node's own download is out of reach (${new URL(host).host})`, { cause });
  } finally {
    limit.clear();
  }
}
