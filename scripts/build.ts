/** What the compiler does not build: the library through which gdb learns the names of trampolines. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { descriptorLength, descriptorName, libraryPath, registerFunctionName } from '#src/linux/gdb-jit.js';
import { sharedLibrary } from '#src/machine/elf.js';
import { machines } from '#src/machine/index.js';

const version = 1; // of gdb's interface: the first word of its descriptor

for (const [architecture, machine] of Object.entries(machines)) {
  const path = libraryPath(architecture);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    sharedLibrary({
      machine: machine.elfMachine,
      code: { name: registerFunctionName, bytes: machine.emptyFunction },
      data: { name: descriptorName, bytes: Uint8Array.of(version, ...new Uint8Array(descriptorLength - 1)) },
    }),
  );
}
chmodSync('dist/cli/main.js', 0o755);
