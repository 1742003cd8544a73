import { existsSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { installedBin, ROOT } from './paths.mjs';
import { capture } from './programs.mjs';
import { filesBelow, readStamp, treeState, writeStamp } from './stamp.mjs';
import { step } from './step.mjs';

const SOURCES = join(ROOT, 'src');
const BUILT = join(ROOT, 'dist');
const STAMP = join(BUILT, '.stamp');
const CONFIGURATION = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((file) => join(ROOT, file));

const sourceState = () => treeState([SOURCES], CONFIGURATION);

/** Whether dist/ is what src/ compiles to now. */
export const isBuilt = () => readStamp(STAMP) === sourceState();

/** Compiles src/ to dist/ if a source changed. */
export async function build() {
  const wanted = sourceState();
  if (readStamp(STAMP) === wanted) return;
  await step('build', 'tsc: src → dist', compile);
  writeStamp(STAMP, wanted);
}

async function compile() {
  removeOrphans();
  const { code, output } = await capture(installedBin('tsc'), ['-p', 'tsconfig.build.json', '--pretty']);
  if (code !== 0) throw new Error(`The sources do not compile (tsc -p tsconfig.build.json):\n${output}`);
}

// Compiled from sources that are gone: an import of one would still succeed.
function removeOrphans() {
  if (!existsSync(BUILT)) return;
  for (const file of filesBelow(BUILT)) {
    const source = join(SOURCES, relative(BUILT, file).replace(/\.js(\.map)?$/, '.ts'));
    if (/\.js(\.map)?$/.test(file) && !existsSync(source)) rmSync(file);
  }
}
