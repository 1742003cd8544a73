// npm run bench -- NAME [args]: compiles src/ and benchmarks/ and runs benchmarks/NAME.ts. Without a name: which there are.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { withLock } from './lock.mjs';
import { installedBin, ROOT } from './paths.mjs';
import { capture, run } from './programs.mjs';

const SOURCES = join(ROOT, 'benchmarks');
const BUILT = join(SOURCES, 'dist', 'benchmarks');

const [name, ...args] = process.argv.slice(2);
const benchmarks = readdirSync(SOURCES)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));

if (name === undefined) {
  process.stdout.write('npm run bench -- NAME [options]\n\n');
  for (const each of benchmarks) process.stdout.write(`  ${each.padEnd(12)} ${firstCommentOf(each)}\n`);
} else if (benchmarks.includes(name)) {
  await withLock(compile);
  process.exitCode = await run(process.execPath, ['--enable-source-maps', join(BUILT, `${name}.js`), ...args]);
} else {
  process.stderr.write(`'${name}' is no benchmark; there are: ${benchmarks.join(', ')}.\n`);
  process.exitCode = 2;
}

// Where a file has a type error the others can still be measured: a check of types is for `npm test`.
async function compile() {
  const tsc = installedBin('tsc');
  if (!existsSync(tsc)) throw new Error('The packages are not installed: npm run setup');
  const { code, output } = await capture(tsc, ['-p', 'benchmarks', '--pretty', 'false']);
  if (code !== 0) process.stderr.write(`${output}\n`);
  if (!existsSync(join(BUILT, `${name}.js`))) throw new Error(`benchmarks/${name}.ts could not be compiled.`);
}

function firstCommentOf(benchmark) {
  const source = readFileSync(join(SOURCES, `${benchmark}.ts`), 'utf8');
  const comment = /\/\*+([\s\S]*?)\*\/|^\/\/(.*)/m.exec(source);
  const lines = (comment?.[1] ?? comment?.[2] ?? '').split('\n').map((line) => line.replace(/^\s*\*?\s*/, ''));
  return lines.find((line) => line !== '') ?? '';
}
