import type { DoctorFacts, Gpu } from './doctorFacts.ts';

/** `missing`: training cannot run without it. `lacking`: it can, but worse. */
export type Status = 'ok' | 'lacking' | 'missing';

export interface Finding {
  readonly name: string;
  readonly status: Status;
  readonly value: string;
  /** The line that mends it. */
  readonly remedy?: string;
}

/** What the tools that build and test this need; package.json says so too. */
const OLDEST_NODE = [20, 19] as const;

/** What the facts mean for training, and the line that mends each fault. */
export function judge(facts: DoctorFacts): Finding[] {
  return [
    judgeNode(facts.node),
    judgeEngine(facts),
    ...judgeTensorFlow(facts),
    judgeGpus(facts),
    judgeZeroMq(facts),
    ok('cores', String(facts.cores)),
    ok('memory', `${(facts.memory / 2 ** 30).toFixed(1)} GiB`),
    judgeCache(facts),
  ];
}

const ok = (name: string, value: string): Finding => ({ name, status: 'ok', value });

function judgeNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return ok('Node', version);
  const value = `${version} is older than ${OLDEST_NODE.join('.')}`;
  return { name: 'Node', status: 'missing', value, remedy: 'nvm install 22' };
}

function judgeEngine({ engine, pip, compiler }: DoctorFacts): Finding {
  if (engine.kind === 'ready') return ok('engine', `${engine.engine.variant}, ${engine.engine.directory}`);
  const tools = [...(pip ? [] : ['python3-pip']), ...(compiler ? [] : ['g++'])];
  const install = tools.length > 0 ? `apt-get install ${tools.join(' ')} && ` : '';
  const why = engine.kind === 'unavailable' && engine.reasons[0] ? `: ${firstLine(engine.reasons[0])}` : '';
  const value = `plain tfjs, about 200 times slower${why}`;
  return { name: 'engine', status: 'lacking', value, remedy: `${install}npm run setup` };
}

function judgeTensorFlow({ probe }: DoctorFacts): Finding[] {
  if (probe === undefined) return [];
  if ('found' in probe) return [ok('TensorFlow', probe.found.tensorflow)];
  return [{ name: 'TensorFlow', status: 'missing', value: probe.fault, remedy: 'npx lamp setup --force' }];
}

function judgeGpus({ gpus, engine, probe, visibleGpus }: DoctorFacts): Finding {
  const limited = visibleGpus === undefined ? '' : `; CUDA_VISIBLE_DEVICES=${visibleGpus}`;
  if (gpus.length === 0) return ok('GPUs', `none${limited}`);
  const value = gpus.map(describeGpu).join('; ') + limited;
  const lacking = (fault: string, remedy: string): Finding => ({
    name: 'GPUs',
    status: 'lacking',
    value: `${value} — ${fault}`,
    remedy,
  });
  if (engine.kind !== 'ready' || engine.engine.variant === 'cpu') {
    return lacking('the engine does not use them', 'npx lamp setup --gpu');
  }
  if (probe !== undefined && 'found' in probe && !probe.found.usesGpu) {
    if (visibleGpus !== undefined) return lacking('TensorFlow sees none', 'unset CUDA_VISIBLE_DEVICES');
    return lacking('TensorFlow sees none', 'a driver for CUDA 12.5 or later, then: npx lamp setup --gpu --force');
  }
  return ok('GPUs', value);
}

const describeGpu = ({ index, name, memory, driver }: Gpu): string => `${index}: ${name}, ${memory}, driver ${driver}`;

function judgeZeroMq({ zeroMq }: DoctorFacts): Finding {
  if ('found' in zeroMq) return ok('ZeroMQ', zeroMq.found);
  return { name: 'ZeroMQ', status: 'missing', value: firstLine(zeroMq.fault), remedy: 'npm ci && npm run setup' };
}

function judgeCache({ cache }: DoctorFacts): Finding {
  if ('found' in cache) return ok('cache', cache.found);
  const value = `cannot be written: ${cache.fault}`;
  return { name: 'cache', status: 'lacking', value, remedy: 'export LAMP_CACHE=FOLDER, one that can be written' };
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
