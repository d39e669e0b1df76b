/**
 * What is kept about single trampolines for people: names, stack traces, entries in perf's and gdb's lists.
 * Nothing of it is needed to run, so a table that wants none of it has no notes.
 */
import type { CodePageMethodName } from '../../codepage/code-page-method.js';
import { TrampfdError } from '../../core/errors.js';
import { isExecutable, mappingOf } from '../../linux/process/proc.js';
import { symbolFile } from '../../machine/symbol-file.js';
import { addSymbolFile, type JitCodeEntry, removeSymbolFile } from '../../native/gdb-jit.js';
import { hostMachine } from '../../native/host.js';
import type { Mode } from '../options.js';
import { createFreedSlotLink } from '../slots/slot-factory.js';
import type { SlotNumber, Slots } from '../slots/slots.js';
import type { Line } from './line-file.js';
import { addToPerfMap, removeFromPerfMap } from './perf-map.js';
import { registerTrampolineName, unregisterLine } from './registry.js';
import { createFreedCallReporter, type FreedCallReporter } from './use-after-free.js';

/** What somebody wants to be kept. */
export interface DebugOptions {
  readonly debug: boolean;
  readonly perfMap: boolean;
  /** Whether `trampfd inspect` shall know the name. */
  readonly listed: boolean;
}

interface DebugRecord {
  readonly name: string;
  readonly debugOptions: DebugOptions;
  readonly createdStack: string;
  perfMapLine?: Line;
  nameLine?: Line;
  gdbSymbols?: JitCodeEntry;
  freedCallReporter?: FreedCallReporter;
  /** What leads to the farewell. */
  reporterWord?: bigint;
}

/** How a freed slot is led to its farewell, by the kind of the slot. */
export interface FreedSlotLink {
  /** Where the farewell ends. */
  trapAddressOf(slot: SlotNumber): bigint;
  /** The slot's word that leads to an address. */
  createWord(target: bigint): bigint;
  /** The word is not used any more. */
  releaseWord(word: bigint): void;
}

export class DebugInfo {
  readonly #slots: Slots;
  readonly #codeSource: CodePageMethodName | undefined;
  readonly #freedSlotLink: FreedSlotLink;
  readonly #records = new Map<SlotNumber, DebugRecord>();

  /** Notes about the trampolines that programs call, in `slots`. */
  constructor(
    slots: Slots,
    { codeSource, mode }: { codeSource: CodePageMethodName | undefined; mode: Mode },
  ) {
    this.#slots = slots;
    this.#codeSource = codeSource;
    this.#freedSlotLink = createFreedSlotLink(slots, mode);
  }

  /** A trampoline came to life. `below` is the function whose callers the stack trace shows. */
  recordCreation(
    slot: SlotNumber,
    { name, debugOptions, stackStartFn }: { name: string; debugOptions: DebugOptions; stackStartFn: unknown },
  ): void {
    this.#removeRecord(slot);
    const record: DebugRecord = {
      name,
      debugOptions,
      createdStack: debugOptions.debug ? captureStack(stackStartFn) : '',
    };
    this.#records.set(slot, record);
    const address = this.#slots.address(slot);
    const size = this.#slots.allocator.stride;
    if (debugOptions.listed) record.nameLine = registerTrampolineName(address, name);
    if (debugOptions.perfMap) record.perfMapLine = addToPerfMap({ address, size, name });
    if (debugOptions.debug)
      record.gdbSymbols = addSymbolFile(symbolFile(hostMachine().linux.elfMachine, { address, size, name }));
  }

  /** A trampoline is free, and its slot traps. In debug mode the trap shall say whose it was. */
  recordFree(slot: SlotNumber, stackStartFn: unknown): void {
    const record = this.#records.get(slot);
    if (record === undefined) return;
    this.#removeListings(record);
    if (!record.debugOptions.debug) {
      this.#records.delete(slot);
      return;
    }
    const address = this.#slots.address(slot);
    const size = this.#slots.allocator.stride;
    const name = `${record.name} (freed)`;
    record.gdbSymbols = addSymbolFile(symbolFile(hostMachine().linux.elfMachine, { address, size, name }));
    const message = [
      `trampfd: a freed trampoline was called: "${record.name}" at 0x${address.toString(16)}`,
      `  created${record.createdStack}`,
      `  freed${captureStack(stackStartFn)}`,
      '',
    ].join('\n');
    record.freedCallReporter = createFreedCallReporter(
      this.#codeSource,
      message,
      this.#freedSlotLink.trapAddressOf(slot),
    );
    record.reporterWord = this.#freedSlotLink.createWord(record.freedCallReporter.address);
    this.#slots.storeWord(slot, 0, record.reporterWord);
  }

  /** All slots are gone. */
  close(): void {
    for (const slot of [...this.#records.keys()]) this.#removeRecord(slot);
  }

  #removeRecord(slot: SlotNumber): void {
    const record = this.#records.get(slot);
    if (record === undefined) return;
    this.#removeListings(record);
    if (record.reporterWord !== undefined) this.#freedSlotLink.releaseWord(record.reporterWord);
    record.freedCallReporter?.dispose();
    this.#records.delete(slot);
  }

  #removeListings(record: DebugRecord): void {
    if (record.perfMapLine !== undefined) removeFromPerfMap(record.perfMapLine);
    if (record.nameLine !== undefined) unregisterLine(record.nameLine);
    if (record.gdbSymbols !== undefined) removeSymbolFile(record.gdbSymbols);
    delete record.perfMapLine;
    delete record.nameLine;
    delete record.gdbSymbols;
  }
}

/** In debug mode: refuses a PC that no code stands at. */
export function assertExecutable(pc: bigint, subject: string): void {
  if (isExecutable(pc)) return;
  const mapping = mappingOf(pc);
  const problem =
    mapping === undefined ? 'is not mapped' : `lies in memory that is not executable: ${mapping.text}`;
  throw new RangeError(`${subject} 0x${pc.toString(16)} ${problem}`);
}

/** The error for using something that was freed. */
export function freedError(attempt: string, subject: string): TrampfdError {
  return new TrampfdError(`Cannot ${attempt}: ${subject} was freed`, { code: 'ERR_FREED' });
}

function captureStack(stackStartFn: unknown): string {
  const target: { stack?: unknown } = {};
  Error.captureStackTrace(target, stackStartFn as never);
  // `Error.prepareStackTrace` may have made anything of it.
  const lines = typeof target.stack === 'string' ? target.stack.split('\n').slice(1) : [];
  return lines.length === 0 ? ' at an unknown place' : lines.map((line) => `\n  ${line}`).join('');
}
