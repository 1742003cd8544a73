import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program with the arguments that always come first (`python3 -m pip`). */
export interface Program {
  readonly path: string;
  readonly args: readonly string[];
}

/** The program of that name on the PATH. */
export function findExecutable(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const candidates = name.includes('/')
    ? [name]
    : (env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.find(isExecutable);
}

/** A C++ compiler: `$CXX`, else the first that is there. */
export function findCompiler(env: NodeJS.ProcessEnv): string | undefined {
  return firstOf([env.CXX, 'g++', 'clang++', 'c++'], env);
}

/** Ways to call pip, the likeliest first; whether a Python has pip is only known by asking it. */
export function pipCandidates(env: NodeJS.ProcessEnv): Program[] {
  const python = firstOf(['python3', 'python'], env);
  const direct = ['pip3', 'pip'].map((name) => findExecutable(name, env)).filter((path) => path !== undefined);
  return [
    ...(python === undefined ? [] : [{ path: python, args: ['-m', 'pip'] }]),
    ...direct.map((path) => ({ path, args: [] })),
  ];
}

function firstOf(names: readonly (string | undefined)[], env: NodeJS.ProcessEnv): string | undefined {
  for (const name of names) {
    const path = name ? findExecutable(name, env) : undefined;
    if (path !== undefined) return path;
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
