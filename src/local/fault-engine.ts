/**
 * The SIGSEGV handler of this process, and the arenas in which it finds slow trampolines. There is one handler
 * for a process: Workers and other copies of this package recognise it by what stands before its code, and add
 * their arenas to its list. It is never taken away, since nothing tells when the last signal has left it.
 */
import { mapCode } from '../codepage/regions.js';
import { hasShadowStack } from '../linux/features.js';
import { thisMachine } from '../linux/host.js';
import { withLock } from '../linux/lock.js';
import { mapReadOnlyAt } from '../linux/memfd.js';
import {
  MAP_ANONYMOUS,
  MAP_NORESERVE,
  MAP_PRIVATE,
  memoryAt,
  mmap,
  PROT_READ,
  PROT_WRITE,
  pageSize,
  reserve,
} from '../linux/memory.js';
import { readMemory } from '../linux/proc.js';
import {
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESTART,
  SA_SIGINFO,
  SIG_IGN,
  SIGSEGV,
  type SignalAction,
  sigaction,
} from '../linux/signal.js';
import { arena, control, faultEntryAt, faultMagic, mostArenas } from '../machine/fault-control.js';
import type { FaultHandlerCode } from '../machine/index.js';
import { TrampfdError } from '../trampoline/errors.js';

interface Engine {
  /** The routine of each type. */
  readonly types: Readonly<Record<string, bigint>>;
  /** The control block, writable, as words. */
  readonly control: BigUint64Array;
}

/** Reserved addresses of slow trampolines, and the memory that stands for them. */
export interface Arena {
  readonly base: bigint;
  readonly length: number;
  /** Where selectors are read, and where they are written. */
  readonly selectors: bigint;
  readonly selectorsAlias: bigint;
  readonly counters: bigint;
}

const attempt = 'make room for slow trampolines';

let opened: Engine | undefined;

function engine(): Engine {
  opened ??= openEngine((codeLength) => thisMachine().faultHandler(codeLength));
  return opened;
}

/** Where the routine of a type is; the handler is installed for it. */
export function faultRoutine(type: string): bigint {
  return engine().types[type]!;
}

/** Reserves an arena: one mapping without access. No memory is used before there are trampolines in it. */
export function addArena(length: number, alignment: number): Arena {
  const { control: block } = engine();
  const base = reserve({ length, alignment }, attempt);
  const selectors = reserve({ length, alignment: pageSize() }, attempt);
  const selectorsAlias = mapReadOnlyAt(selectors, length, attempt);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const counters = mmap({ length: 2 * length, prot: PROT_READ | PROT_WRITE, flags }, attempt);
  publish(block, [base, BigInt(length), selectors, counters]);
  return { base, length, selectors, selectorsAlias, counters };
}

/** Takes the next place in the list, against other threads, and fills it before it is counted. */
function publish(words: BigUint64Array, entry: readonly [bigint, bigint, bigint, bigint]): void {
  const count = control.arenas / 8;
  withLock(new Int32Array(words.buffer, words.byteOffset), control.lock / 4, () => {
    const index = Number(words[count]);
    if (index === mostArenas)
      throw new TrampfdError('Cannot make room for more slow trampolines', { code: 'ENOMEM' });
    words.set(entry, (control.list + index * arena.size) / 8);
    Atomics.store(words, count, BigInt(index + 1));
  });
}

/** The handler that stands, if it is one of ours; else a new one, before the one that stands. */
export function openEngine(make: (codeLength: number) => FaultHandlerCode): Engine {
  const before = sigaction(SIGSEGV);
  return recognise(before, make) ?? install(before, make);
}

function recognise(
  { handler }: SignalAction,
  make: (codeLength: number) => FaultHandlerCode,
): Engine | undefined {
  if (handler < BigInt(pageSize())) return undefined;
  const start = handler - BigInt(faultEntryAt);
  try {
    const head = readMemory(start, faultEntryAt);
    const [magic, distance] = new BigUint64Array(head.slice().buffer) as unknown as [bigint, bigint];
    if (magic !== faultMagic) return undefined;
    const code = make(Number(distance));
    // Routines stand where we think only if the code is the same.
    if (Buffer.compare(readMemory(start, code.bytes.length), code.bytes) !== 0) return undefined;
    const block = new BigUint64Array(memoryAt(start + distance!, pageSize()));
    return engineAt(start, code, block[control.alias / 8]!);
  } catch {
    return undefined; // another's handler, at the start of its mapping
  }
}

function install(before: SignalAction, make: (codeLength: number) => FaultHandlerCode): Engine {
  let code: FaultHandlerCode | undefined;
  const { address, codeLength } = mapCode(
    (length) => {
      code = make(length);
      return code;
    },
    { method: undefined, dataLength: pageSize() },
  );
  const alias = mapReadOnlyAt(address + BigInt(codeLength), pageSize(), attempt);
  const words = new BigUint64Array(memoryAt(alias, pageSize()));
  words[control.alias / 8] = alias;
  // The kernel puts a token there for `sigreturn` to take off.
  words[control.mustReturn / 8] = hasShadowStack() ? 1n : 0n;
  remember(words, before);
  const handler = address + BigInt(faultEntryAt);
  // Not deferred: the handler leaves without `sigreturn`, which would unblock the signal. System calls go on where
  // they did before: behind an ignored signal they were never interrupted.
  const restart = before.handler === SIG_IGN ? SA_RESTART : before.flags & SA_RESTART;
  const replaced = sigaction(SIGSEGV, {
    handler,
    mask: 0n,
    flags: SA_SIGINFO | SA_ONSTACK | SA_NODEFER | restart,
    restorer: address + BigInt(code!.restorerAt),
  });
  remember(words, replaced);
  return engineAt(address, code!, alias);
}

/** Keeps the action that ours stands before, with the signals that it wants to be blocked. */
function remember(words: BigUint64Array, { handler, mask, flags }: SignalAction): void {
  const own = (flags & SA_NODEFER) === 0 ? 1n << BigInt(SIGSEGV - 1) : 0n;
  words[control.previousMask / 8] = mask | own;
  words[control.previous / 8] = handler;
}

function engineAt(start: bigint, { types }: FaultHandlerCode, alias: bigint): Engine {
  const addresses = Object.entries(types).map(([name, at]) => [name, start + BigInt(at)]);
  return {
    types: Object.fromEntries(addresses),
    control: new BigUint64Array(memoryAt(alias, pageSize())),
  };
}
