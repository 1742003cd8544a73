import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { InstallContext } from './installContext.ts';
import { InstallError } from './installError.ts';
import { downloadWheel, type Pip } from './pip.ts';
import { LIBRARIES } from './recipe.ts';
import { below, Wheel } from './wheel.ts';
import { requirementsOfExtra } from './wheelMetadata.ts';

/** Where CUDA's packages go: beside `deps/lib`, as they lie beside `tensorflow` in a Python, for TensorFlow looks there. */
const PACKAGES = 'deps';

/** CUDA's libraries that this TensorFlow wheel was built for, as requirements for pip. */
export function cudaRequirements(metadata: string): string[] {
  const requirements = requirementsOfExtra(metadata, 'and-cuda');
  if (requirements.length > 0) return requirements;
  throw new InstallError('corrupt wheel', "TensorFlow's wheel does not say which CUDA libraries it needs (and-cuda)");
}

/** Downloads and unpacks CUDA's libraries into the engine; returns the folders that hold them, relative to it. */
export async function installCuda(
  requirements: readonly string[],
  place: { readonly engine: string; readonly downloads: string },
  pip: Pip,
  context: InstallContext,
  log: string,
): Promise<string[]> {
  for (const [index, requirement] of requirements.entries()) {
    context.report.begin(`CUDA ${index + 1} of ${requirements.length}: ${requirement}`);
    const folder = join(place.downloads, String(index));
    const path = await downloadWheel(pip, { requirement, bytes: undefined }, folder, context, log);
    await unpackCuda(path, place.engine, context);
    // One wheel at a time: together they are several gigabytes.
    await rm(folder, { recursive: true });
    context.report.end();
  }
  return linkLibraries(place.engine);
}

async function unpackCuda(path: string, engine: string, { signal }: InstallContext): Promise<void> {
  const wheel = await Wheel.open(path);
  try {
    const into = below(join(engine, PACKAGES));
    const target = (member: string) => (isNeeded(member) ? into(member) : undefined);
    await wheel.unpack({ target, signal, progress: () => {} });
  } finally {
    wheel.close();
  }
}

/** Libraries, and of the compiler what TensorFlow calls for kernels that it makes at run time. */
export const isNeeded = (member: string): boolean =>
  /^nvidia\/.+\/lib\/[^/]+\.so[.\d]*$/.test(member) ||
  /^nvidia\/.+\/(bin\/(ptxas|nvlink|fatbinary)|nvvm\/libdevice\/[^/]+)$/.test(member);

/**
 * TensorFlow loads CUDA's libraries by name. It finds them by the addon's search path, which names every folder; for a
 * part of TensorFlow that looks only beside itself there is a link there. A library that is loaded through that link
 * looks for its neighbours (`$ORIGIN/../../cublas/lib`) two levels up, so there is one for each package too.
 */
async function linkLibraries(engine: string): Promise<string[]> {
  const packages = join(engine, PACKAGES, 'nvidia');
  const libraries = join(engine, LIBRARIES);
  await mkdir(libraries, { recursive: true });
  const files = await readdir(packages, { recursive: true, withFileTypes: true });
  const folders = new Set<string>();
  for (const file of files.filter(({ name }) => /\.so[.\d]*$/.test(name))) {
    folders.add(relative(engine, file.parentPath));
    await symlink(relative(libraries, join(file.parentPath, file.name)), join(libraries, file.name));
  }
  for (const name of await readdir(packages)) await symlink(join(PACKAGES, 'nvidia', name), join(engine, name));
  return [...folders].toSorted();
}
