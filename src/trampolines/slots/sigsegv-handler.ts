/**
 * The SIGSEGV handler of this process, and the arenas that contain slow trampolines. There is one handler per process:
 * Workers and other copies of this package recognise it by a header before its code, and append their arenas to its
 * list. It is never uninstalled, because there is no way to know when the last thread leaves it.
 */
import { mapCode } from '../../codepage/map-code.js';
import { TrampfdError } from '../../core/errors.js';
import { hasShadowStack } from '../../linux/features.js';
import {
  MAP_ANONYMOUS,
  MAP_NORESERVE,
  MAP_PRIVATE,
  mmap,
  PROT_READ,
  PROT_WRITE,
  pageSize,
  reserveAddressSpace,
} from '../../linux/mm/memory.js';
import { mapWithWritableAlias } from '../../linux/mm/writable-alias.js';
import { readMemory } from '../../linux/process/proc-mem.js';
import {
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESTART,
  SA_SIGINFO,
  SIG_IGN,
  SIGSEGV,
  type SignalAction,
  sigaction,
} from '../../linux/process/signal.js';
import {
  arena,
  controlBlock,
  FAULT_MAGIC,
  faultEntryOffset,
  maxArenas,
} from '../../machine/fault-control.js';
import type { FaultHandlerCode } from '../../machine/index.js';
import { hostMachine } from '../../native/host.js';
import { memoryAt } from '../../native/memory-view.js';
import { withLock } from '../../native/spinlock.js';

interface FaultHandler {
  /** Addresses of the routines, by fault type. */
  readonly routines: Readonly<Record<string, bigint>>;
  /** The control block, writable, as words. */
  readonly controlWords: BigUint64Array;
}

/** Reserved addresses of slow trampolines, and the memory that belongs to them. */
export interface Arena {
  readonly base: bigint;
  readonly length: number;
  /** The address at which the handler reads selectors. */
  readonly selectors: bigint;
  /** The address at which JavaScript writes selectors. */
  readonly selectorsAlias: bigint;
  readonly counters: bigint;
}

const attempt = 'reserve addresses of slow trampolines';

let installed: FaultHandler | undefined;

function installedHandler(): FaultHandler {
  installed ??= installFaultHandler((codeLength) => hostMachine().trampolines.faultHandler(codeLength));
  return installed;
}

/** Returns the address of the routine of a fault type; installs the handler if necessary. */
export function faultRoutineAddress(type: string): bigint {
  return installedHandler().routines[type]!;
}

/** Reserves an arena: one inaccessible mapping. It uses no memory until it contains trampolines. */
export function createArena(length: number, alignment: number): Arena {
  const { controlWords } = installedHandler();
  const base = reserveAddressSpace({ length, alignment }, attempt);
  const selectors = reserveAddressSpace({ length, alignment: pageSize() }, attempt);
  const selectorsAlias = mapWithWritableAlias(selectors, length, attempt);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const counters = mmap({ length: 2 * length, prot: PROT_READ | PROT_WRITE, flags }, attempt);
  appendArena(controlWords, [base, BigInt(length), selectors, counters]);
  return { base, length, selectors, selectorsAlias, counters };
}

/** Appends to the handler's list; the lock excludes other threads. The count is stored after the words. */
function appendArena(
  controlWords: BigUint64Array,
  arenaWords: readonly [bigint, bigint, bigint, bigint],
): void {
  const countIndex = controlBlock.arenaCount / 8;
  withLock(new Int32Array(controlWords.buffer, controlWords.byteOffset), controlBlock.lock / 4, () => {
    const index = Number(controlWords[countIndex]);
    if (index === maxArenas)
      throw new TrampfdError('Cannot reserve addresses of slow trampolines: there are too many', {
        code: 'ENOMEM',
      });
    controlWords.set(arenaWords, (controlBlock.arenaList + index * arena.size) / 8);
    Atomics.store(controlWords, countIndex, BigInt(index + 1));
  });
}

/** Returns the installed handler if it is one of ours; otherwise installs one that chains to it. */
export function installFaultHandler(generateCode: (codeLength: number) => FaultHandlerCode): FaultHandler {
  const previousAction = sigaction(SIGSEGV);
  return (
    findInstalledHandler(previousAction, generateCode) ?? installNewHandler(previousAction, generateCode)
  );
}

function findInstalledHandler(
  { handler }: SignalAction,
  generateCode: (codeLength: number) => FaultHandlerCode,
): FaultHandler | undefined {
  if (handler < BigInt(pageSize())) return undefined;
  const start = handler - BigInt(faultEntryOffset);
  try {
    const header = readMemory(start, faultEntryOffset);
    const [magic, controlOffset] = new BigUint64Array(header.slice().buffer) as unknown as [bigint, bigint];
    if (magic !== FAULT_MAGIC) return undefined;
    const code = generateCode(Number(controlOffset));
    // The offsets of the routines are valid only if the code is the same.
    if (Buffer.compare(readMemory(start, code.bytes.length), code.bytes) !== 0) return undefined;
    const controlWords = new BigUint64Array(memoryAt(start + controlOffset!, pageSize()));
    return faultHandlerAt(start, code, controlWords[controlBlock.writableAlias / 8]!);
  } catch {
    return undefined; // not our handler, and at the start of its mapping
  }
}

function installNewHandler(
  previousAction: SignalAction,
  generateCode: (codeLength: number) => FaultHandlerCode,
): FaultHandler {
  let code: FaultHandlerCode | undefined;
  const { address, codeLength } = mapCode(
    (length) => {
      code = generateCode(length);
      return code;
    },
    { codeSource: undefined, dataLength: pageSize() },
  );
  const controlAlias = mapWithWritableAlias(address + BigInt(codeLength), pageSize(), attempt);
  const controlWords = new BigUint64Array(memoryAt(controlAlias, pageSize()));
  controlWords[controlBlock.writableAlias / 8] = controlAlias;
  // The kernel pushes a token on the shadow stack, which only `sigreturn` pops.
  controlWords[controlBlock.mustUseSigreturn / 8] = hasShadowStack() ? 1n : 0n;
  savePreviousAction(controlWords, previousAction);
  const handler = address + BigInt(faultEntryOffset);
  // SA_NODEFER: the handler leaves without `sigreturn`, which would unblock the signal. SA_RESTART as before: an
  // ignored signal does not interrupt system calls.
  const restart = previousAction.handler === SIG_IGN ? SA_RESTART : previousAction.flags & SA_RESTART;
  const replacedAction = sigaction(SIGSEGV, {
    handler,
    mask: 0n,
    flags: SA_SIGINFO | SA_ONSTACK | SA_NODEFER | restart,
    restorer: address + BigInt(code!.restorerOffset),
  });
  savePreviousAction(controlWords, replacedAction);
  return faultHandlerAt(address, code!, controlAlias);
}

/** Stores the action to chain to, and the signals to block while it runs. */
function savePreviousAction(controlWords: BigUint64Array, { handler, mask, flags }: SignalAction): void {
  const sigsegvMask = (flags & SA_NODEFER) === 0 ? 1n << BigInt(SIGSEGV - 1) : 0n;
  controlWords[controlBlock.previousMask / 8] = mask | sigsegvMask;
  controlWords[controlBlock.previousHandler / 8] = handler;
}

function faultHandlerAt(
  start: bigint,
  { routineOffsets }: FaultHandlerCode,
  controlAlias: bigint,
): FaultHandler {
  const routineAddresses = Object.entries(routineOffsets).map(([name, offset]) => [
    name,
    start + BigInt(offset),
  ]);
  return {
    routines: Object.fromEntries(routineAddresses),
    controlWords: new BigUint64Array(memoryAt(controlAlias, pageSize())),
  };
}
