import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cudaRequirements, isNeeded } from '../../../src/engine/install/cudaLibraries.ts';
import { engineOf } from '../../../src/engine/install/location.ts';
import { setUpEngine } from '../../../src/engine/install/setUp.ts';
import { InstallMachine } from '../../support/installMachine.ts';

const metadata = [
  'Requires-Dist: numpy>=1.26.0',
  'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
  "Requires-Dist: nvidia-cuda-nvcc-cu12 (==12.5.82) ; extra == 'and-cuda'",
].join('\n');

/** A machine whose pip has TensorFlow for GPUs and two of CUDA's packages. */
const gpuMachine = (): InstallMachine =>
  new InstallMachine()
    .withPip()
    .withCompiler()
    .withWheel({ name: 'tensorflow', metadata })
    .withWheel({
      name: 'nvidia_cublas_cu12',
      files: {
        'nvidia/cublas/lib/libcublas.so.12': 'cuBLAS',
        'nvidia/cublas/lib/libcublasLt.so.12': 'cuBLASLt',
        'nvidia/cublas/include/cublas.h': 'a header',
      },
    })
    .withWheel({
      name: 'nvidia_cuda_nvcc_cu12',
      files: {
        'nvidia/cuda_nvcc/bin/ptxas': 'a program',
        'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc': 'bit code',
        'nvidia/cuda_nvcc/nvvm/bin/cicc': 'a compiler that TensorFlow does not call',
      },
    });

test("the GPU engine has CUDA's libraries where TensorFlow looks for them", async () => {
  using machine = gpuMachine();
  const outcome = await setUpEngine({ variant: 'gpu' }, machine.context());
  expect(outcome).toMatchObject({ kind: 'ready', fresh: true, faults: [], engine: { variant: 'gpu' } });
  expect(machine.downloads.map(({ requirement }) => requirement)).toEqual([
    'tensorflow==2.21.0',
    'nvidia-cublas-cu12<13.0,>=12.5.3.2',
    'nvidia-cuda-nvcc-cu12==12.5.82',
  ]);

  const { directory, addon } = engineOf('gpu', machine.cache)!;
  // Beside TensorFlow, as in a Python, for its own search path…
  const cublas = join(directory, 'deps', 'nvidia', 'cublas', 'lib');
  expect(readFileSync(join(cublas, 'libcublas.so.12'), 'utf8')).toBe('cuBLAS');
  // … as a link in the folder that holds TensorFlow, which outlives the move out of the workspace …
  const link = join(directory, 'deps', 'lib', 'libcublas.so.12');
  expect(realpathSync(link)).toBe(realpathSync(join(cublas, 'libcublas.so.12')));
  // (and its neighbours two levels up from there) …
  expect(realpathSync(join(directory, 'deps', 'lib', '..', '..', 'cublas', 'lib'))).toBe(realpathSync(cublas));
  // … and on the addon's own, in the form that serves what TensorFlow loads by name.
  expect(readFileSync(addon, 'utf8')).toContain(
    '--disable-new-dtags,-rpath,$ORIGIN/../../deps/nvidia/cublas/lib:$ORIGIN/../../deps/lib',
  );
});

test("of CUDA's compiler the engine has what TensorFlow calls, as a program", async () => {
  using machine = gpuMachine();
  await setUpEngine({ variant: 'gpu' }, machine.context());
  const nvcc = join(engineOf('gpu', machine.cache)!.directory, 'deps', 'nvidia', 'cuda_nvcc');
  expect(statSync(join(nvcc, 'bin', 'ptxas')).mode & 0o111).not.toBe(0);
  expect(existsSync(join(nvcc, 'nvvm', 'libdevice', 'libdevice.10.bc'))).toBe(true);
  expect(readdirSync(join(nvcc, 'nvvm'))).toEqual(['libdevice']);
});

test('a CUDA library that cannot be had leads to the engine for CPUs', async () => {
  using machine = gpuMachine().withWheel({
    name: 'tensorflow',
    metadata: 'Requires-Dist: nvidia-nccl-cu12; extra == "and-cuda"',
  });
  machine.withWheel({ name: 'tensorflow_cpu' });
  const outcome = await setUpEngine({ variant: 'gpu' }, machine.context());
  expect(outcome).toMatchObject({ kind: 'ready', engine: { variant: 'cpu' } });
  expect(machine.notes[0]).toContain('pip has no wheel of nvidia-nccl-cu12');
  expect(engineOf('gpu', machine.cache)).toBeUndefined();
});

test('a wheel that names no CUDA libraries is not one for GPUs', () => {
  expect(() => cudaRequirements('Name: tensorflow\nRequires-Dist: numpy')).toThrow('and-cuda');
});

test.each([
  ['nvidia/cudnn/lib/libcudnn.so.9', true],
  ['nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9', true],
  ['nvidia/cu13/lib/libcudart.so.13', true],
  ['nvidia/cublas/lib/libcublas_static.a', false],
  ['nvidia/cublas/lib/__init__.py', false],
  ['nvidia/cublas/include/cublas.h', false],
  ['other/lib/libother.so', false],
])('%s is needed: %s', (member, needed) => expect(isNeeded(member)).toBe(needed));
