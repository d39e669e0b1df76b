/**
 * Writes the API reference, docs/api, from the comments in the source.
 *
 *     node build/scripts/reference.js [--check]
 *
 * --check  writes nothing, and fails if docs/api is not what the comments yield
 *
 * typedoc has a manifest of its own, because it reads this TypeScript only with an older compiler.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = join(root, 'scripts/reference');
/** The tools are installed outside the folders that checks read. */
const installation = join(root, 'build/reference');
const reference = join(root, 'docs/api');

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });

installTypedoc();
if (values.check === true) process.exitCode = checkReference();
else writeReference(reference);

function installTypedoc(): void {
  const installed = join(installation, 'node_modules/.package-lock.json');
  const locked = statSync(join(manifest, 'package-lock.json')).mtimeMs;
  if (existsSync(installed) && statSync(installed).mtimeMs >= locked) return;
  mkdirSync(installation, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(manifest, file), join(installation, file));
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', installation], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function writeReference(folder: string): void {
  execFileSync(
    join(installation, 'node_modules/.bin/typedoc'),
    [
      '--options',
      join(manifest, 'typedoc.json'),
      '--out',
      folder,
      '--logLevel',
      'Warn',
      '--treatWarningsAsErrors',
      '--plugin',
      join(installation, 'node_modules/typedoc-plugin-markdown/dist/index.js'),
    ],
    { cwd: manifest, stdio: 'inherit' },
  );
}

function checkReference(): number {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-reference-'));
  try {
    writeReference(folder);
    const [current, expected] = [textsOf(reference), textsOf(folder)];
    const names = new Set([...current.keys(), ...expected.keys()]);
    const outdated = [...names].filter((name) => current.get(name) !== expected.get(name));
    for (const name of outdated) console.error(`docs/api/${name} is not current; run npm run reference`);
    return outdated.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function textsOf(folder: string): Map<string, string> {
  if (!existsSync(folder)) return new Map();
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  );
  return new Map(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
