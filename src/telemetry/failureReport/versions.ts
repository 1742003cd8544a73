import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { installedEngine } from '../../engine/install/location.ts';
import { zeroMqVersion } from '../../transport/version.ts';

/** What a run is made of: this program, Node.js, and what computes and sends. */
export function versionsOfRun(): Record<string, string> {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { version, dependencies } = JSON.parse(manifest) as { version: string; dependencies: Record<string, string> };
  const engine = installedEngine();
  return {
    ...{ lamp: version, node: process.versions.node, system: `${process.platform} ${process.arch}` },
    tfjs: dependencies['@tensorflow/tfjs'] ?? 'unknown',
    // Its folder says which TensorFlow, and for what.
    engine: engine ? basename(engine.directory) : 'none installed',
    zeromq: `${dependencies['zeromq'] ?? 'unknown'} (library ${zeroMqVersion()})`,
  };
}
