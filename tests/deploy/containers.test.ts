import { readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { services } from '../../src/cli/services.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const program = createProgram({ out: { write: () => {} }, err: { write: () => {} }, services, exitCode: 0 });

/** The long options of a command line that the command does not know. */
function unknownIn(words: readonly string[]): readonly string[] {
  const command = program.commands.find((each) => each.name() === words[0])!;
  const known = new Set(command.options.map(({ long }) => long));
  return words.filter((word) => word.startsWith('--') && !known.has(word));
}

interface Service {
  readonly command?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly volumes: readonly string[];
}

describe('docker-compose.yml', () => {
  const compose = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, Service> };

  it('calls commands that there are, with options that they know', () => {
    const commands = Object.values(compose.services).flatMap(({ command }) => (command ? [command] : []));
    expect(commands.map(([name]) => name)).toEqual(['keys', 'train', 'worker', 'worker']);
    for (const command of commands) expect(unknownIn(command)).toEqual([]);
  });

  it('has keys made before anybody needs them, and one folder of runs for all', () => {
    for (const name of ['coordinator', 'worker', 'worker-gpu']) {
      expect(compose.services[name]!.depends_on).toEqual({ keys: { condition: 'service_completed_successfully' } });
      expect(compose.services[name]!.volumes).toEqual(expect.arrayContaining(['keys:/keys', './runs:/lamp/runs']));
    }
  });
});

interface Job {
  readonly completions: number;
  readonly parallelism: number;
  readonly completionMode: string;
  readonly podFailurePolicy: { readonly rules: readonly { action: string; onExitCodes?: { values: number[] } }[] };
  readonly template: {
    readonly spec: {
      readonly subdomain: string;
      readonly containers: readonly { args: string[]; env: { name: string; value: string }[] }[];
    };
  };
}

describe('deploy/kubernetes/lamp.yaml', () => {
  const documents = parseAllDocuments(read('deploy/kubernetes/lamp.yaml')).map(
    (each) => each.toJS() as { kind: string; metadata: { name: string }; spec: unknown },
  );
  const job = documents.find(({ kind }) => kind === 'Job')!.spec as Job;

  it('has a pod for the coordinator and one for each worker, which find it by name', () => {
    const { containers, subdomain } = job.template.spec;
    const workers = containers[0]!.env.find(({ name }) => name === 'WORKERS')!.value;
    expect([job.completionMode, job.completions, job.parallelism]).toEqual([
      'Indexed',
      Number(workers) + 1,
      Number(workers) + 1,
    ]);
    expect(documents.find(({ kind }) => kind === 'Service')!.metadata.name).toBe(subdomain);
    expect(containers[0]!.args[0]).toContain(`tcp://lamp-0.${subdomain}:7700`);
  });

  it('calls commands that there are, and comes back after a run was saved', () => {
    const lines = job.template.spec.containers[0]!.args[0]!.replaceAll('\\\n', ' ').split('\n');
    const commands = lines.flatMap((line) => /lamp\.mjs (.*)/.exec(line)?.[1]?.split(/\s+/) ?? []);
    const train = commands.slice(0, commands.indexOf('worker'));
    expect(unknownIn(train)).toEqual([]);
    expect(unknownIn(commands.slice(commands.indexOf('worker')))).toEqual([]);
    expect(job.podFailurePolicy.rules[0]).toMatchObject({ action: 'Ignore', onExitCodes: { values: [75] } });
  });
});
