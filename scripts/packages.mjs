import { existsSync, lstatSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { installedBin, NODE_MODULES, ROOT } from './paths.mjs';
import { run } from './programs.mjs';
import { contentOf, readStamp, writeStamp } from './stamp.mjs';
import { step } from './step.mjs';

const LOCK_FILE = join(ROOT, 'package-lock.json');
const STAMP = join(NODE_MODULES, '.lamp-packages');

/** Installs the packages if they are missing or package-lock.json changed since. */
export async function packages() {
  const wanted = contentOf(LOCK_FILE);
  if (readStamp(STAMP) !== wanted) {
    const why = existsSync(NODE_MODULES) ? 'npm ci: package-lock.json changed' : 'npm ci: first time';
    if (!isInstalled()) await step('packages', why, install, { live: true });
    writeStamp(STAMP, wanted);
  }
  linkLamp();
}

// npm's own record of what it put there tells whether somebody has already run npm install or npm ci by hand.
function isInstalled() {
  const installed = packagesOf(join(NODE_MODULES, '.package-lock.json'));
  return Object.entries(packagesOf(LOCK_FILE)).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {};
}

async function install() {
  const code = await run(...npm('ci', '--include=dev', '--ignore-scripts', '--no-progress'));
  if (code !== 0) {
    throw new Error(`npm ci ended with ${code}. Is the registry reachable? Then: npm ci && npm run setup`);
  }
}

// The npm that started us, if one did: another on the PATH may belong to another Node.
function npm(...args) {
  const started = process.env.npm_execpath;
  return started !== undefined && basename(started) === 'npm-cli.js'
    ? [process.execPath, [started, ...args]]
    : ['npm', args];
}

// npx looks for a program in node_modules/.bin, where npm puts those of dependencies but not the package's own.
function linkLamp() {
  const link = installedBin('lamp');
  const target = '../../bin/lamp.mjs';
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target) return;
  rmSync(link, { force: true });
  symlinkSync(target, link);
}
