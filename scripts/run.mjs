// npm run setup | demo | test | build: installs what is missing first, then does what was asked.
// Plain JavaScript without a dependency and in old syntax: it must run before anything is installed, and on a Node
// that is too old it must still get as far as saying so.
const OLDEST = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `lamp needs Node ${OLDEST.join('.')} or newer; this is ${process.version} (${process.execPath}).\n`,
  );
  process.stderr.write('Install one from https://nodejs.org, or with a version manager: nvm install 22\n');
  process.exit(1);
}

async function main() {
  try {
    const { bootstrap } = await import('./bootstrap.mjs');
    process.exitCode = await bootstrap(process.argv[2], process.argv.slice(3));
  } catch (error) {
    process.stderr.write(`\n✗ ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

void main();
