import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's root. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const NODE_MODULES = join(ROOT, 'node_modules');
/** The program that an installed package brings. */
export const installedBin = (name) => join(NODE_MODULES, '.bin', name);
