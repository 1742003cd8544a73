// npm run docs: writes the documentation that follows from the sources. The build must be up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { runFileReference } from '../dist/config/reference.js';
import { withPictures } from '../dist/pipeline/schedulePictures.js';

const reference = new URL('../docs/run-file.md', import.meta.url);
writeFileSync(reference, runFileReference());
process.stdout.write('wrote docs/run-file.md\n');

// Written by hand, but for its pictures of schedules.
const scheduling = new URL('../docs/scheduling.md', import.meta.url);
writeFileSync(scheduling, withPictures(readFileSync(scheduling, 'utf8')));
process.stdout.write('wrote the pictures in docs/scheduling.md\n');
