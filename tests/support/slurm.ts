import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { until } from './processes.ts';

const programs = ['/usr/sbin/munged', '/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/sbatch'];

/** Why there can be no Slurm here; undefined where there can. */
export const whyNoSlurm = (): string | undefined =>
  process.getuid?.() === 0 && programs.every((program) => existsSync(program))
    ? undefined
    : 'needs root, and Slurm: apt-get install slurm-wlm munge';

/** A Slurm of one node, with daemons of its own on loopback, all of whose files lie in one folder. */
export class Slurm {
  readonly #folder: string;
  readonly #daemons: ChildProcess[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  async start(): Promise<void> {
    const at = (name: string): string => join(this.#folder, name);
    const port = 21_000 + (process.pid % 9000);
    for (const name of ['state', 'spool']) mkdirSync(at(name), { recursive: true });
    chmodSync(this.#folder, 0o755);
    writeFileSync(at('munge.key'), randomBytes(1024), { mode: 0o600 });
    writeFileSync(at('slurm.conf'), configuration(this.#folder, port));
    const munge = ['key-file', 'socket', 'pid-file', 'seed-file', 'log-file'].map(
      (name) => `--${name}=${at(name === 'key-file' ? 'munge.key' : `munge.${name}`)}`,
    );
    this.#daemon('/usr/sbin/munged', ['-F', '--force', ...munge]);
    await until(() => existsSync(at('munge.socket')));
    this.#daemon('/usr/sbin/slurmctld', ['-D', '-c', '-f', at('slurm.conf')]);
    this.#daemon('/usr/sbin/slurmd', ['-D', '-f', at('slurm.conf'), '-N', 'node']);
    await until(() => this.run('sinfo', ['--noheader', '--format=%T']).trim() === 'idle', 60_000);
  }

  #daemon(program: string, words: readonly string[]): void {
    this.#daemons.push(spawn(program, words, { stdio: 'ignore' }));
  }

  /** Runs one of Slurm's commands; returns what it prints. */
  run(program: string, words: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): string {
    const env = { ...process.env, ...options.env, SLURM_CONF: join(this.#folder, 'slurm.conf') };
    return spawnSync(program, words, { encoding: 'utf8', ...options, env }).stdout ?? '';
  }

  /** Ends the daemons. */
  async stop(): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) {
      const ended = new Promise((resolve) => daemon.once('exit', resolve));
      if (daemon.exitCode !== null || daemon.signalCode !== null) continue;
      daemon.kill('SIGTERM');
      const timer = setTimeout(() => daemon.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
    }
  }
}

const configuration = (folder: string, port: number): string => `ClusterName=lamp
SlurmctldHost=${hostname()}(127.0.0.1)
SlurmctldPort=${port}
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.socket,cred_expire=5
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
JobRequeue=1
SlurmdParameters=config_overrides
NodeName=node NodeHostname=${hostname()} NodeAddr=127.0.0.1 Port=${port + 1} CPUs=4 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
