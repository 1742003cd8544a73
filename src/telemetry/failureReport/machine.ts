import { availableParallelism, freemem, hostname, loadavg, totalmem } from 'node:os';
import type { MachineFacts } from './facts.ts';

export const machineFacts = (): MachineFacts => ({
  host: hostname(),
  cores: availableParallelism(),
  load: loadavg()[0] ?? 0,
  memory: totalmem(),
  free: freemem(),
  resident: process.memoryUsage.rss(),
});
