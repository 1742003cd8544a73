import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { engineOf } from '../../../src/engine/install/location.ts';
import { setUpEngine } from '../../../src/engine/install/setUp.ts';
import { InstallMachine } from '../../support/installMachine.ts';
import { tarball } from '../../support/tarball.ts';

/** A host of this machine's own that answers as the one of tfjs-node would; returns the variables that name it. */
async function host(answer: RequestListener): Promise<NodeJS.ProcessEnv> {
  const server = createServer(answer);
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { CDN_STORAGE: url, npm_config_tfjs_binding_binary_host_mirror: url };
}

test("without a compiler the package's own install script gets an engine", async () => {
  using machine = new InstallMachine().withPip();
  const library = tarball({ 'lib/libtensorflow.so.2.9.1': 'TensorFlow 2.9.1' });
  const addon = tarball({ 'napi-v8/tfjs_binding.node': 'an addon' });
  const variables = await host(({ url = '', method }, response) => {
    if (method === 'HEAD') response.end();
    else response.end(url.includes('libtensorflow') ? library : addon);
  });
  const outcome = await setUpEngine({ variant: 'cpu' }, machine.context({ env: { ...machine.env, ...variables } }));
  expect(outcome).toMatchObject({ kind: 'ready', fresh: true, engine: { variant: 'prebuilt' } });
  expect(outcome.faults.map(({ fault }) => fault)).toEqual(['compiler']);
  const engine = engineOf('prebuilt', machine.cache)!;
  expect(readFileSync(engine.addon, 'utf8')).toBe('an addon');
  expect(readFileSync(join(engine.directory, 'deps', 'lib', 'libtensorflow.so.2.9.1'), 'utf8')).toBe(
    'TensorFlow 2.9.1',
  );
});

test('a host that answers nonsense leads to plain tfjs, with the log', async () => {
  using machine = new InstallMachine().withPip();
  const variables = await host((_, response) => response.end('nonsense'));
  const outcome = await setUpEngine({ variant: 'cpu' }, machine.context({ env: { ...machine.env, ...variables } }));
  expect(outcome.kind).toBe('plain');
  expect(outcome.faults.at(-1)).toMatchObject({ fault: 'prebuilt', log: join(machine.cache, 'logs', 'set-up.log') });
});
