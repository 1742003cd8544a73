import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gatherFacts, type DoctorFacts } from '../../src/cli/doctorFacts.ts';
import { judge, type Finding } from '../../src/cli/doctorFindings.ts';
import { InstallMachine } from '../support/installMachine.ts';

const engine = { addon: '/cache/addon.node', variant: 'gpu', directory: '/cache/engine' } as const;
const gpu = { index: 0, name: 'NVIDIA H100', memory: '81559 MiB', driver: '570.86.10' };

const healthy: DoctorFacts = {
  node: '20.19.0',
  engine: { kind: 'ready', engine },
  probe: { found: { tensorflow: '2.21.0', usesGpu: true, sum: 2 } },
  gpus: [gpu],
  visibleGpus: undefined,
  zeroMq: { found: '4.3.5' },
  cores: 8,
  memory: 32 * 2 ** 30,
  cache: { found: '/cache' },
  pip: true,
  compiler: true,
};

const find = (name: string, facts: Partial<DoctorFacts>): Finding | undefined =>
  judge({ ...healthy, ...facts }).find((finding) => finding.name === name);

test('a machine that has everything is well, with what was found', () => {
  const findings = judge(healthy);
  expect(findings.every(({ status, remedy }) => status === 'ok' && remedy === undefined)).toBe(true);
  expect(Object.fromEntries(findings.map(({ name, value }) => [name, value]))).toMatchObject({
    Node: '20.19.0',
    engine: 'gpu, /cache/engine',
    TensorFlow: '2.21.0',
    GPUs: '0: NVIDIA H100, 81559 MiB, driver 570.86.10',
    ZeroMQ: '4.3.5',
    memory: '32.0 GiB',
  });
});

test.each<[string, string, Partial<DoctorFacts>, Finding['status'], RegExp]>([
  ['an old Node', 'Node', { node: '20.18.3' }, 'missing', /nvm install/],
  ['no ZeroMQ', 'ZeroMQ', { zeroMq: { fault: 'no addon' } }, 'missing', /npm ci/],
  ['an engine that does not load', 'TensorFlow', { probe: { fault: 'no AVX' } }, 'missing', /lamp setup --force/],
  ['no engine', 'engine', { engine: { kind: 'missing' }, probe: undefined }, 'lacking', /^npm run setup$/],
  ['a cache that is read-only', 'cache', { cache: { fault: 'EROFS' } }, 'lacking', /LAMP_CACHE/],
  [
    'GPUs that the engine cannot use',
    'GPUs',
    { engine: { kind: 'ready', engine: { ...engine, variant: 'cpu' } } },
    'lacking',
    /--gpu/,
  ],
])('%s is told with the line that mends it', (_, name, facts, status, remedy) => {
  const finding = find(name, facts);
  expect(finding?.status).toBe(status);
  expect(finding?.remedy).toMatch(remedy);
});

test('without an engine, what is needed to build one is named', () => {
  const reasons = ['there is no pip, which downloads TensorFlow'];
  const finding = find('engine', {
    engine: { kind: 'unavailable', reasons, message: '' },
    probe: undefined,
    pip: false,
    compiler: false,
  });
  expect(finding?.value).toMatch(/200 times slower: there is no pip/);
  expect(finding?.remedy).toBe('apt-get install python3-pip g++ && npm run setup');
});

test('GPUs that TensorFlow does not see are put down to CUDA_VISIBLE_DEVICES where it is set', () => {
  const probe = { found: { tensorflow: '2.21.0', usesGpu: false, sum: 2 } };
  expect(find('GPUs', { probe, visibleGpus: '' })?.remedy).toBe('unset CUDA_VISIBLE_DEVICES');
  expect(find('GPUs', { probe })?.remedy).toMatch(/driver/);
});

test('facts are gathered from the machine: its GPUs, tools and cache', async () => {
  using machine = new InstallMachine().withPip();
  machine.program('nvidia-smi', "echo '0, NVIDIA H100 80GB HBM3, 81559 MiB, 570.86.10'");
  const env = { ...machine.env, CUDA_VISIBLE_DEVICES: '0' };
  const facts = await gatherFacts(env, new AbortController().signal);
  expect(facts).toMatchObject({
    engine: { kind: 'missing' },
    probe: undefined,
    gpus: [{ index: 0, name: 'NVIDIA H100 80GB HBM3', memory: '81559 MiB', driver: '570.86.10' }],
    visibleGpus: '0',
    zeroMq: { found: expect.stringMatching(/^4\./) },
    cache: { found: join(machine.root, 'cache') },
    pip: true,
    compiler: false,
  });
});
