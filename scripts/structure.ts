/**
 * Checks the rules of the house that no compiler knows: imports go downwards, FFI stays in `linux/`,
 * architectures stay where they belong, a test looks from outside or from inside. Prints every breach and exits with 1.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Rooms from the top of the house to the bottom. A file may import from its own room and those below it. */
const rooms = [
  'index.ts',
  'supervisor.ts',
  'diagnose.ts',
  'object.ts',
  'cli',
  'object',
  'supervisor',
  'ffi',
  'doctor',
  'trampolines',
  'codepage',
  'launcher',
  'linux',
  'native',
  'machine',
  'abi',
  'core',
];

/** The only file that knows the FFI library. */
const ffi = 'native/libc.ts';

/** Where a name of an architecture may stand: code for it, the one choice among them, its register numbers. */
const architectural = [/^machine\//, /^core\/registers\.ts$/];

const source = 'src';
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const breaches: string[] = [];

for (const file of files) {
  const text = readFileSync(join(source, file), 'utf8');
  const room = rooms.indexOf(roomOf(file));
  if (room < 0) breaches.push(`${file}: is in no room of the house`);
  for (const [, imported] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
    if (imported === 'koffi' && file !== ffi) breaches.push(`${file}: imports koffi, which only ${ffi} may`);
    if (!imported!.startsWith('.')) continue;
    const target = relative(source, join(source, dirname(file), imported!));
    if (rooms.indexOf(roomOf(target)) < room) breaches.push(`${file}: imports ${target}, from a room above`);
  }
  if (architectural.some((place) => place.test(file))) continue;
  // Comments may name an architecture; code may not.
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  for (const [name] of code.matchAll(/\b(x64|arm64|x86|aarch64)\w*/gi)) {
    breaches.push(`${file}: names the architecture ${name}`);
  }
}

// The bundle and what it is made of are different instances of the same modules.
const tests = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
for (const file of tests) {
  const text = readFileSync(join('test', file), 'utf8');
  if (/^(import|}) .*from 'trampfd(\/\w+)?';$/m.test(text) && /^(import|}) .*from '#src\//m.test(text))
    breaches.push(`test/${file}: imports trampfd and what is inside of it`);
}

for (const breach of breaches) console.error(breach);
if (files.length === 0) breaches.push('no source files');
process.exitCode = breaches.length === 0 ? 0 : 1;

function roomOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.js$/, '.ts');
}
