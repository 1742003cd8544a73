/** The environment variables that this project reads, for the help. */
export const environmentVariables: Readonly<Record<string, string>> = {
  LAMP_CACHE: 'folder for the compute engine and its downloads (default: lamp in XDG_CACHE_HOME or ~/.cache)',
  LAMP_KEYS: 'the file that --keys of lamp train and lamp worker names: a path, never a key',
  LAMP_DEBUG: '1: print stack traces with errors, as --verbose does',
};

/** The key file, where the command line names none. */
export function keyFileGiven(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return environment['LAMP_KEYS'] || undefined;
}

/** Whether errors are told with their stack. */
export function wantsStack(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return !['', '0', 'false', undefined].includes(environment['LAMP_DEBUG']);
}
