/** Environment variables for a process that sends and receives large tensors; to be set before it starts. */
export const transportEnvironment = (): Record<string, string> => ({});
