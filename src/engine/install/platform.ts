import { existsSync } from 'node:fs';
import { InstallError } from './installError.ts';

/** The oldest C library that TensorFlow's wheels run on. */
const GLIBC = [2, 27] as const;

/** TensorFlow's wheels hold a C library for Linux with glibc, on Intel, AMD and Arm. */
export function checkPlatform(): void {
  const { platform, arch } = process;
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    throw new InstallError('platform', `TensorFlow's wheels cannot be used on ${platform} ${arch}`, {
      remedy: 'Linux on x64 or arm64 (on other systems: the Dockerfile)',
    });
  }
  const glibc = glibcVersion();
  const [major = 0, minor = 0] = glibc?.split('.').map(Number) ?? [];
  if (glibc === undefined || major < GLIBC[0] || (major === GLIBC[0] && minor < GLIBC[1])) {
    throw new InstallError(
      'platform',
      `TensorFlow needs glibc ${GLIBC.join('.')}; this system has ${glibc ?? 'none'}`,
      {
        remedy: 'a newer Linux with glibc: Debian 10, Ubuntu 18.04, RHEL 8 or later',
      },
    );
  }
}

/** The C library that Node runs on; undefined where it is another than glibc. */
function glibcVersion(): string | undefined {
  // Or the report looks up the names of every open connection.
  (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}

/** Whether NVIDIA's driver runs here: without it a GPU engine has nothing to compute on. */
export const hasNvidiaDriver = (): boolean => existsSync('/proc/driver/nvidia/version') || existsSync('/dev/dxg');
