// npm run docs: writes the documentation that follows from the sources. The build must be up to date.
import { mkdirSync, writeFileSync } from 'node:fs';
import { runFileReference } from '../dist/config/reference.js';

const page = new URL('../docs/run-file.md', import.meta.url);
mkdirSync(new URL('.', page), { recursive: true });
writeFileSync(page, runFileReference());
process.stdout.write('wrote docs/run-file.md\n');
