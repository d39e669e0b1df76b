/** Builds what the compiler does not: native files of the package for each architecture, the bundle, the manual page. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { templatePath } from '#src/codepage/template.js';
import { packageVersion } from '#src/core/version.js';
import { diagnosisSchema } from '#src/doctor/schema.js';
import { launcherPath } from '#src/launcher/launcher.js';
import { launcherFailureStatus, maxScriptBytes, scriptFd } from '#src/launcher/syscall-script.js';
import {
  type BuildCode,
  builders,
  nativeModule,
  sharedLibrary,
  staticProgram,
  staticProgramLayout,
} from '#src/machine/build/index.js';
import { type Machine, machines } from '#src/machine/index.js';
import {
  gdbJitLibraryPath,
  jitDescriptorName,
  jitDescriptorSize,
  registerFunctionName,
} from '#src/native/gdb-jit.js';
import { modulePath } from '#src/native/module.js';
import { policySchema } from '#src/supervisor/policy/policy.js';
import { bundle, bundleFolder } from './bundle.js';
import { command } from './command.js';
import { declarations } from './declarations.js';
import { manPage } from './man-page.js';
import { notices, noticesFile } from './notices.js';
import { templateFile } from './template-file.js';
import { templateImages } from './template-images.js';

/** The library through which gdb learns the names of trampolines. */
function gdbLibrary({ linux }: Machine, { emptyFunction }: BuildCode): Uint8Array {
  const version = 1; // of gdb's interface: the first word of its descriptor
  const data = Uint8Array.of(version, ...new Uint8Array(jitDescriptorSize - 1));
  const code = emptyFunction();
  return sharedLibrary({
    machine: linux.elfMachine,
    code,
    functions: [{ name: registerFunctionName, offset: 0, size: code.length }],
    data: { name: jitDescriptorName, bytes: data },
  });
}

/** The program that makes system calls before another program. */
function launcher({ linux }: Machine, { launcher }: BuildCode): Uint8Array {
  const { bufferOffset } = staticProgramLayout;
  const bufferLength = maxScriptBytes;
  const code = launcher({ bufferOffset, bufferLength, scriptFd, exitFailure: launcherFailureStatus });
  return staticProgram(linux.elfMachine, { code, bufferLength });
}

/** Code pages made now, for systems where a process may make none. */
function templates(machine: Machine, builder: BuildCode): Uint8Array {
  return templateFile(machine, templateImages(machine, builder), builder.maxPageSize);
}

function write(path: string, bytes: Uint8Array | string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  // Under another name first: a program that runs cannot be written.
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, bytes);
  chmodSync(unfinished, mode);
  renameSync(unfinished, path);
}

for (const [architecture, machine] of Object.entries(machines)) {
  const builder = builders[architecture]!;
  write(gdbJitLibraryPath(architecture), gdbLibrary(machine, builder), 0o644);
  write(modulePath(architecture), nativeModule(machine.linux.elfMachine, builder, packageVersion), 0o644);
  write(templatePath(architecture), templates(machine, builder), 0o644);
  write(launcherPath(architecture), launcher(machine, builder), 0o755);
}
const schemas = {
  'doctor.schema.json': diagnosisSchema,
  'policy.schema.json': policySchema,
};
for (const [path, schema] of Object.entries(schemas)) {
  writeFileSync(`dist/${path}`, `${JSON.stringify(z.toJSONSchema(schema), undefined, 2)}\n`);
}

const { files, libraries } = await bundle();
const written = new Set([...files, ...(await declarations()), 'trampfd.js', noticesFile]);
for (const file of readdirSync(bundleFolder)) {
  if (!written.has(file)) rmSync(`${bundleFolder}/${file}`);
}
write(`${bundleFolder}/${noticesFile}`, notices(libraries), 0o644);
write(`${bundleFolder}/trampfd.js`, command(readFileSync('src/cli/trampfd.sh', 'utf8')), 0o755);

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const page = 'trampfd_create.2';
write(`dist/man/${page}`, manPage(readFileSync(`docs/${page}.md`, 'utf8'), `trampfd ${version}`), 0o644);
