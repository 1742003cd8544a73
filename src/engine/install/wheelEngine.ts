import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileAddon, requireCompiler } from './compile.ts';
import { cudaRequirements, installCuda } from './cudaLibraries.ts';
import { checkDisk } from './disk.ts';
import type { InstallContext } from './installContext.ts';
import { enginesDirectory } from './location.ts';
import { downloadWheel, findPip } from './pip.ts';
import { checkPlatform } from './platform.ts';
import { ADDON, LIBRARIES, TENSORFLOW_VERSION, TFJS_VERSION, WHEELS, type WheelVariant } from './recipe.ts';
import { below, Wheel } from './wheel.ts';

/**
 * Builds an engine in `workspace` from TensorFlow's wheel and returns its folder:
 *
 *     deps/lib     libtensorflow_cc.so.2, libtensorflow_framework.so.2, and the names that the addon knows them by
 *     deps/nvidia  CUDA's libraries (gpu)
 *     lib/napi-v8  the addon, which finds the others by paths relative to its own
 */
export async function buildFromWheel(
  variant: WheelVariant,
  workspace: string,
  context: InstallContext,
  log: string,
): Promise<string> {
  const source = WHEELS[variant];
  // What can be known to fail is said before 274 MB have been downloaded.
  checkPlatform();
  requireCompiler(context);
  checkDisk(enginesDirectory(context.cache), await context.freeDisk(workspace), source.diskBytes);
  const pip = await findPip(context, log);

  const { report } = context;
  const downloads = join(workspace, 'download');
  const engine = join(workspace, 'engine');
  const headers = join(workspace, 'headers');
  await mkdir(engine);
  report.begin(`download ${source.requirement}`, source.bytes);
  const path = await downloadWheel(pip, source, join(downloads, 'tensorflow'), context, log);
  report.end();

  const metadata = await unpackTensorFlow(path, engine, headers, context);
  await rm(path);
  const place = { engine, downloads: join(downloads, 'cuda') };
  const libraryFolders =
    variant === 'gpu' ? await installCuda(cudaRequirements(metadata), place, pip, context, log) : [];

  report.begin("compile tfjs's addon");
  const objects = join(workspace, 'objects');
  await compileAddon({ engine, headers, libraryFolders, objects }, context, log);
  report.end();

  report.begin('try the engine');
  const { tensorflow } = await context.probe(join(engine, ADDON), context.signal);
  report.end();
  const description = { tfjs: TFJS_VERSION, tensorflow, requirement: source.requirement, node: process.version };
  await writeFile(join(engine, 'engine.json'), `${JSON.stringify(description, null, 2)}\n`);
  return engine;
}

/** Unpacks the two libraries and the headers that the addon includes; returns the wheel's METADATA. */
async function unpackTensorFlow(
  path: string,
  engine: string,
  headers: string,
  { report, signal }: InstallContext,
): Promise<string> {
  const wheel = await Wheel.open(path);
  try {
    report.begin(`unpack TensorFlow ${TENSORFLOW_VERSION}`);
    const target = (member: string): string | undefined => {
      const library = member.match(/^tensorflow\/(libtensorflow_(?:cc|framework)\.so\.2)$/)?.[1];
      if (library !== undefined) return join(engine, LIBRARIES, library);
      const header = member.match(HEADERS)?.[1];
      return header === undefined ? undefined : below(headers)(header);
    };
    await wheel.unpack({ target, signal, progress: (done, total) => report.progress(done, total) });
    await linkNames(join(engine, LIBRARIES));
    report.end();
    return await wheel.metadata();
  } finally {
    wheel.close();
  }
}

/** The C API and what it includes: some hundreds of the wheel's 13,000 headers. */
const HEADERS = /^tensorflow\/include\/((?:tensorflow\/c|tensorflow\/core\/platform|tsl|xla\/tsl)\/.+\.h)$/;

/** The names that tfjs's package and its build have for TensorFlow's libraries. */
async function linkNames(libraries: string): Promise<void> {
  await symlink('libtensorflow_cc.so.2', join(libraries, 'libtensorflow.so.2'));
  await symlink('libtensorflow_cc.so.2', join(libraries, 'libtensorflow.so'));
  await symlink('libtensorflow_framework.so.2', join(libraries, 'libtensorflow_framework.so'));
}
