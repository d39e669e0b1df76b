/** The native module, through which every native call goes. */
import { readFileSync } from 'node:fs';
import { TrampfdError } from '../core/errors.js';
import { packageVersion } from '../core/version.js';
import { type ModuleExport, moduleChecksum, moduleExports, moduleTrailer } from '../machine/module-layout.js';
import { nativeFile } from './files.js';
import { hostMachine } from './host.js';

type NativeModule = Readonly<Record<ModuleExport, (record: ArrayBuffer, operand?: object) => unknown>>;

let loadedModule: NativeModule | undefined;

/** Returns the path of the module for an architecture, by Node's name (`process.arch`). */
export function modulePath(architecture: string): string {
  return nativeFile(`trampfd-${architecture}.node`);
}

/** Returns the functions of the module; loads it at the first call. */
export function nativeModule(): NativeModule {
  loadedModule ??= loadModule();
  return loadedModule;
}

function loadModule(): NativeModule {
  const { elfMachine } = hostMachine().linux;
  const path = modulePath(process.arch);
  if (process.execArgv.some((option) => option.startsWith('--build-snapshot')))
    throw moduleError(path, 'a startup snapshot cannot contain native code; use trampfd after it is loaded');
  assertIntact(path, elfMachine);
  const module: { exports: Partial<NativeModule> } = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (cause) {
    throw moduleError(path, reasonOf(cause as NodeJS.ErrnoException), cause);
  }
  const { exports } = module;
  const missing = moduleExports.find((name) => exports[name] === undefined);
  if (missing !== undefined) throw moduleError(path, `Node-API refused its function ${missing}`);
  return exports as NativeModule;
}

/** A damaged module would crash the process. */
function assertIntact(path: string, elfMachine: number): void {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (cause) {
    throw moduleError(path, (cause as Error).message, cause);
  }
  // e_machine is at offset 18.
  if (file.length < 64 || file.toString('latin1', 0, 4) !== '\x7fELF')
    throw moduleError(path, 'it is not a native module');
  if (file.readUInt16LE(18) !== elfMachine) throw moduleError(path, 'it is for another architecture');
  const end = file.toString('latin1', Math.max(0, file.length - moduleTrailer.maxLength));
  const [line, version, checksum] = moduleTrailer.pattern.exec(end) ?? [];
  if (line === undefined) throw moduleError(path, 'it is truncated or altered');
  if (version !== packageVersion)
    throw moduleError(path, `it belongs to trampfd ${version}, not ${packageVersion}`);
  if (moduleChecksum(file.subarray(0, file.length - line.length)) !== Number.parseInt(checksum!, 16))
    throw moduleError(path, 'it is altered');
}

/** The first line of the message of `process.dlopen`, and what helps. */
function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ERR_DLOPEN_DISABLED')
    return 'Node may load no native modules: its option --permission needs --allow-addons, and --no-addons must not be used';
  const line = message.split('\n')[0]!;
  return /failed to map|Permission denied|Operation not permitted/.test(line)
    ? `${line}. The system does not allow code from this file; name a folder from which it does in TRAMPFD_NATIVE`
    : line;
}

function moduleError(path: string, reason: string, cause?: unknown): TrampfdError {
  return new TrampfdError(`Cannot load ${path}: ${reason}`, { code: 'ERR_TRAMPFD_MODULE', cause });
}
