/**
 * What is kept about single trampolines for people: names, stack traces, entries in perf's and gdb's lists.
 * Nothing of it is needed to run, so a table that wants none of it has no notes.
 */
import type { CodePageMethodName } from '../codepage/method.js';
import { addSymbols, removeSymbols, type SymbolEntry } from '../linux/gdb-jit.js';
import { thisMachine } from '../linux/host.js';
import { isExecutable, mappingOf } from '../linux/proc.js';
import { symbolFile } from '../machine/elf.js';
import { TrampfdError } from '../trampoline/errors.js';
import { type Farewell, makeFarewell } from './farewell.js';
import type { Line } from './line-file.js';
import type { Mode } from './options.js';
import { addToPerfMap, removeFromPerfMap } from './perf-map.js';
import { registerTrampolineName, unregister } from './registry.js';
import type { SlotNumber, Slots } from './slots.js';
import { farewellLink } from './storage.js';

/** What somebody wants to be kept. */
export interface Wanted {
  readonly debug: boolean;
  readonly perfMap: boolean;
  /** Whether `trampfd inspect` shall know the name. */
  readonly listed: boolean;
}

interface Note {
  readonly name: string;
  readonly wanted: Wanted;
  readonly created: string;
  perf?: Line;
  listing?: Line;
  symbols?: SymbolEntry;
  farewell?: Farewell;
  /** What leads to the farewell. */
  word?: bigint;
}

/** How a freed slot is led to its farewell, by the kind of the slot. */
export interface FarewellLink {
  /** Where the farewell ends. */
  trapOf(slot: SlotNumber): bigint;
  /** The slot's word that leads to an address. */
  wordFor(target: bigint): bigint;
  /** The word is not used any more. */
  drop(word: bigint): void;
}

export class Notes {
  readonly #slots: Slots;
  readonly #method: CodePageMethodName | undefined;
  readonly #link: FarewellLink;
  readonly #notes = new Map<SlotNumber, Note>();

  /** Notes about the trampolines that programs call, in `slots`. */
  constructor(slots: Slots, { method, mode }: { method: CodePageMethodName | undefined; mode: Mode }) {
    this.#slots = slots;
    this.#method = method;
    this.#link = farewellLink(slots, mode);
  }

  /** A trampoline came to life. `below` is the function whose callers the stack trace shows. */
  created(slot: SlotNumber, { name, wanted, below }: { name: string; wanted: Wanted; below: unknown }): void {
    this.#forget(slot);
    const note: Note = { name, wanted, created: wanted.debug ? stackBelow(below) : '' };
    this.#notes.set(slot, note);
    const address = this.#slots.address(slot);
    const size = this.#slots.source.stride;
    if (wanted.listed) note.listing = registerTrampolineName(address, name);
    if (wanted.perfMap) note.perf = addToPerfMap({ address, size, name });
    if (wanted.debug)
      note.symbols = addSymbols(symbolFile(thisMachine().elfMachine, { address, size, name }));
  }

  /** A trampoline is free, and its slot traps. In debug mode the trap shall say whose it was. */
  freed(slot: SlotNumber, below: unknown): void {
    const note = this.#notes.get(slot);
    if (note === undefined) return;
    this.#dropLists(note);
    if (!note.wanted.debug) {
      this.#notes.delete(slot);
      return;
    }
    const address = this.#slots.address(slot);
    const size = this.#slots.source.stride;
    const name = `${note.name} (freed)`;
    note.symbols = addSymbols(symbolFile(thisMachine().elfMachine, { address, size, name }));
    const message = [
      `trampfd: a freed trampoline was called: "${note.name}" at 0x${address.toString(16)}`,
      `  created${note.created}`,
      `  freed${stackBelow(below)}`,
      '',
    ].join('\n');
    note.farewell = makeFarewell(this.#method, message, this.#link.trapOf(slot));
    note.word = this.#link.wordFor(note.farewell.address);
    this.#slots.store(slot, 0, note.word);
  }

  /** All slots are gone. */
  close(): void {
    for (const slot of [...this.#notes.keys()]) this.#forget(slot);
  }

  #forget(slot: SlotNumber): void {
    const note = this.#notes.get(slot);
    if (note === undefined) return;
    this.#dropLists(note);
    if (note.word !== undefined) this.#link.drop(note.word);
    note.farewell?.dispose();
    this.#notes.delete(slot);
  }

  #dropLists(note: Note): void {
    if (note.perf !== undefined) removeFromPerfMap(note.perf);
    if (note.listing !== undefined) unregister(note.listing);
    if (note.symbols !== undefined) removeSymbols(note.symbols);
    delete note.perf;
    delete note.listing;
    delete note.symbols;
  }
}

/** In debug mode: refuses a PC that no code stands at. */
export function checkExecutable(pc: bigint, subject: string): void {
  if (isExecutable(pc)) return;
  const mapping = mappingOf(pc);
  const place =
    mapping === undefined ? 'is not mapped' : `lies in memory that is not executable: ${mapping.text}`;
  throw new RangeError(`${subject} 0x${pc.toString(16)} ${place}`);
}

/** The error for using something that was freed. */
export function freedError(attempt: string, what: string): TrampfdError {
  return new TrampfdError(`Cannot ${attempt}: ${what} was freed`, { code: 'ERR_FREED' });
}

function stackBelow(below: unknown): string {
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, below as never);
  // `Error.prepareStackTrace` may have made anything of it.
  const lines = typeof holder.stack === 'string' ? holder.stack.split('\n').slice(1) : [];
  return lines.length === 0 ? ' at an unknown place' : lines.map((line) => `\n  ${line}`).join('');
}
