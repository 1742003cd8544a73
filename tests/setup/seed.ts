import * as fc from 'fast-check';

/**
 * Property tests draw the same cases in every run, so that what passed here passes elsewhere. `LAMP_SEED=new npm test` draws
 * others, and a number those of that seed, which fast-check prints where a property fails.
 */
const asked = process.env['LAMP_SEED'] ?? '20201004';
if (asked !== 'new') fc.configureGlobal({ seed: Number(asked) });
