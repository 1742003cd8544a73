import { z } from 'zod';
import { byteSize } from './byteSize.ts';
import { count, notNegative, positive } from './number.ts';

const bandwidth = (what: string) => byteSize.describe(`${what}, in bytes a second: \`3.35TB\`, \`25GB\`.`);

const linkSchema = z.strictObject({
  latency_us: notNegative.describe('Microseconds from one worker to the other, whatever the size.'),
  bandwidth: bandwidth('What passes'),
});

/** Devices and links that need not be here: what a plan is simulated on. */
export const machineSchema = z.strictObject({
  name: z.string().min(1).describe('What the machine is called.'),
  workers: z
    .array(
      z.strictObject({
        count: positive.default(1).describe('How many of these.'),
        device: z.string().min(1).describe('What computes.'),
        flops: z.number().positive().describe('Floating-point operations a second that large convolutions reach.'),
        bandwidth: bandwidth('What its memory gives'),
        memory: byteSize.describe('What it may hold, in bytes: `80GB`, `16GiB`.'),
        overhead_us: notNegative.default(20).describe('Microseconds that every kernel takes at least.'),
        copy_bandwidth: bandwidth('Copies between its memory and what is sent').optional(),
      }),
    )
    .min(1)
    .describe('The workers, in groups of equal ones.'),
  link: linkSchema.describe('Between any two workers.'),
  links: z
    .array(linkSchema.extend({ from: count, to: count, both_ways: z.boolean().default(true) }))
    .default([])
    .describe('Links that differ from that, by the numbers of their workers, from 0.'),
});

export type MachineFile = z.infer<typeof machineSchema>;
