import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { dumpParameters } from '../../src/checkpoint/parameters.ts';
import { startEngine } from '../../src/engine/index.ts';
import { loadRunFile } from '../../src/config/loadRunFile.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { buildModel } from '../../src/models/index.ts';
import { parameterSpecs } from '../../src/models/describe.ts';
import { initializeParameters } from '../../src/models/initialize.ts';

/** A run's folder as `lamp predict` needs it, with a network that nobody trained. Returns its path. */
export async function writeRandomRun(folder: string, run: object): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'run.yaml');
  writeFileSync(file, stringify(run));
  const { model } = loadRunFile(file, [], { checkFiles: false }).run;
  const engine = await startEngine({ name: 'tensorflow', threads: 1 });
  const parameters = new ParameterStore(engine);
  initializeParameters(engine, parameters, parameterSpecs(buildModel(model).cells), 5);
  await writeSafetensors(join(folder, 'weights.safetensors'), dumpParameters(engine, parameters));
  parameters.dispose();
  return folder;
}
