const GIBIBYTE = 2 ** 30;

/**
 * Environment variables for a process that sends and receives large tensors; the C library reads them when it starts.
 *
 * As it comes, glibc asks the system for every block of 32 MiB and more anew and gives it back at once, so that each tensor
 * costs a page fault for every 4 KiB. Here blocks of any size come from the heap, and a gibibyte at its end is kept.
 * `benchmarks/link.ts` measures what it is worth. Other C libraries ignore the variables.
 */
export const transportEnvironment = (): Record<string, string> => ({
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: String(GIBIBYTE),
});
