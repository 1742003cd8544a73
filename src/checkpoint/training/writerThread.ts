import { parentPort } from 'node:worker_threads';
import { writeHashed } from './partWriting.ts';
import { systemFault } from './systemFault.ts';
import type { WriteJob, WriteReply } from './writer.ts';

// The whole life of the thread that writes: one file after the other.
parentPort!.on('message', (job: WriteJob) => parentPort!.postMessage(answer(job), []));

function answer({ number, file, chunks }: WriteJob): WriteReply {
  try {
    return { number, written: writeHashed(file, chunks) };
  } catch (error) {
    return { number, fault: systemFault(error, 'cannot be written') };
  }
}
