/**
 * Optional debug information per trampoline: names, stack traces, entries in perf's map and gdb's list. Trampolines
 * run without it, so a table whose options request none has no `DebugInfo`.
 */
import type { CodeSource } from '../../codepage/code-page-method.js';
import { entryFunctions } from '../../core/entry-functions.js';
import { symbolFile } from '../../machine/symbol-file.js';
import { addSymbolFile, type JitCodeEntry, removeSymbolFile } from '../../native/gdb-jit.js';
import { hostMachine } from '../../native/host.js';
import type { Mode } from '../options.js';
import type { SlotNumber, Slots } from '../slots/slots.js';
import { createFreedSlotLink, type FreedSlotLink } from './freed-slot-link.js';
import type { Line } from './line-file.js';
import { addToPerfMap, removeFromPerfMap } from './perf-map.js';
import { registerTrampolineName, unregisterLine } from './registry.js';
import { createFreedCallReporter, type FreedCallReporter } from './use-after-free.js';

/** Which information to record. */
export interface DebugOptions {
  readonly debug: boolean;
  readonly perfMap: boolean;
  /** Whether `trampfd inspect` shows the name. */
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
  /** The word of the freed slot, which makes it jump to the reporter. */
  reporterWord?: bigint;
}

export class DebugInfo {
  readonly #slots: Slots;
  readonly #codeSource: CodeSource | undefined;
  readonly #freedSlotLink: FreedSlotLink;
  readonly #records = new Map<SlotNumber, DebugRecord>();

  /** @param slots the slots whose addresses programs call */
  constructor(slots: Slots, { codeSource, mode }: { codeSource: CodeSource | undefined; mode: Mode }) {
    this.#slots = slots;
    this.#codeSource = codeSource;
    this.#freedSlotLink = createFreedSlotLink(slots, mode);
  }

  /** Records a new trampoline. @param stackStartFn the stack trace begins at the caller of this function */
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

  /** Records that a trampoline was freed. In debug mode its slot reports calls before it traps. */
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

  /** Removes all records; the slots are closed next. */
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

function captureStack(stackStartFn: unknown): string {
  const target: { stack?: unknown } = {};
  // Users call functions of the bundle's entry point, which call those that create trampolines.
  const { name } = stackStartFn as { name: string };
  Error.captureStackTrace(target, (entryFunctions[name] ?? stackStartFn) as never);
  // `Error.prepareStackTrace` of the program may return any value.
  const lines = typeof target.stack === 'string' ? target.stack.split('\n').slice(1) : [];
  return lines.length === 0 ? ' at an unknown place' : lines.map((line) => `\n  ${line}`).join('');
}
