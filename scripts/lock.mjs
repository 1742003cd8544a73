import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from './paths.mjs';

const LONGEST_MS = 15 * 60_000;
const FOLDER = join(tmpdir(), `lamp-${createHash('sha256').update(ROOT).digest('hex').slice(0, 16)}.lock`);
const OWNER = join(FOLDER, 'pid');

/** Keeps two set-ups of one checkout from installing and building into each other. */
export async function withLock(body) {
  await acquire();
  const release = () => rmSync(FOLDER, { recursive: true, force: true });
  process.once('exit', release);
  try {
    return await body();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function acquire() {
  const end = Date.now() + LONGEST_MS;
  for (let told = false; !tryToOwn(); await sleep(100)) {
    if (isAbandoned()) rmSync(FOLDER, { recursive: true, force: true });
    else if (Date.now() > end)
      throw new Error(`Another set-up of this checkout holds ${FOLDER}; remove it if none runs.`);
    else if (!told) {
      told = true;
      process.stdout.write('  waiting for another set-up of this checkout\n');
    }
  }
}

function tryToOwn() {
  try {
    mkdirSync(FOLDER);
    writeFileSync(OWNER, String(process.pid));
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

// A folder without an owner is one that is just being made, unless it stays so.
function isAbandoned() {
  try {
    process.kill(Number(readFileSync(OWNER, 'utf8')), 0);
    return false;
  } catch (error) {
    if (error.code === 'EPERM') return false;
    if (error.code === 'ESRCH') return true;
    const made = statSync(FOLDER, { throwIfNoEntry: false });
    return made !== undefined && Date.now() - made.mtimeMs > 5000;
  }
}
