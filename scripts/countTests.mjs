// Prints `N passed, N failed` from vitest's JSON report; the exit code is 1 where no test ran.
import { readFileSync } from 'node:fs';

const counts = countOf(readReport(process.argv[2]));
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
process.exitCode = counts.passed + counts.failed > 0 ? 0 : 1;

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Nothing, or half a report: the run ended before vitest did.
    return { testResults: [] };
  }
}

function countOf(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults) {
    const states = file.assertionResults.map(({ status }) => status);
    counts.passed += states.filter((state) => state === 'passed').length;
    counts.skipped += states.filter((state) => state !== 'passed' && state !== 'failed').length;
    const failed = states.filter((state) => state === 'failed').length;
    // A file that failed as a whole (an import, a hook) has no failing test of its own.
    counts.failed += failed === 0 && file.status === 'failed' ? 1 : failed;
  }
  return counts;
}
