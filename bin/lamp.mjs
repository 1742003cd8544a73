#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { isBuilt } from '../scripts/build.mjs';
import { NODE_MODULES } from '../scripts/paths.mjs';

const fault = !existsSync(NODE_MODULES)
  ? 'lamp is not set up yet.'
  : !isBuilt()
    ? 'lamp is not built from the sources as they are now.'
    : undefined;

if (fault === undefined) {
  const { main } = await import('../dist/cli/main.js');
  await main(process.argv);
} else {
  process.stderr.write(`${fault} Do: npm run setup\n`);
  process.exitCode = 1;
}
