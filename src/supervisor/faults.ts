/** Faults at slow objects: finds the object, and lets its type do the work. */
import { Refusal } from '../abi/refusal.js';
import { errnoName } from '../linux/errno.js';
import type { MappingQuery } from '../linux/mapping-query.js';
import { readProcess, writeProcess } from '../linux/process-memory.js';
import { RegisterSet, stopSignal, touch } from '../linux/ptrace.js';
import { Contexts } from './contexts.js';
import { writeLine } from './lines.js';
import type { ToTracer } from './messages.js';
import type { Rules } from './rules.js';
import { objectType } from './types/index.js';
import type { Surroundings } from './types/type.js';

type SlowObject = Extract<ToTracer, { kind: 'object' }>;

/** A thread that stopped because of a fault. */
export interface Faulting {
  readonly tid: number;
  readonly mappings: MappingQuery;
}

export class Faults {
  readonly #surroundings: Surroundings;
  readonly #rules: Rules;
  readonly #refused: (tid: number, address: bigint, reason: string) => void;
  /** Looks for news of objects. */
  readonly #learn: () => void;
  readonly #objects = new Map<string, { readonly object: SlowObject; readonly contexts: Contexts }>();
  readonly #registers: RegisterSet;

  constructor(
    surroundings: Surroundings,
    rules: Rules,
    tell: { refused(tid: number, address: bigint, reason: string): void; learn(): void },
  ) {
    this.#surroundings = surroundings;
    this.#rules = rules;
    this.#refused = tell.refused;
    this.#learn = tell.learn;
    this.#registers = new RegisterSet(surroundings.machine.threadRegisters.size);
  }

  add(object: SlowObject): void {
    const contexts = new Contexts(object.contexts, this.#surroundings.names);
    this.#objects.set(object.file, { object, contexts });
  }

  remove(file: string): void {
    this.#objects.delete(file);
  }

  /** @returns whether the thread can go on without the signal: an invocation was done */
  handle({ tid, mappings }: Faulting): boolean {
    const signal = stopSignal(tid);
    // Sent by somebody: what the registers say is chance.
    if (signal === undefined || signal.code <= 0) return false;
    const { threadRegisters } = this.#surroundings.machine;
    if (!this.#registers.read(tid)) return false;
    const registers = this.#registers.view;
    const address = registers.getBigUint64(threadRegisters.pc, true);
    if (address !== signal.address) return false;
    const found = this.#find(address, mappings);
    if (found === undefined) return false;
    const { object, contexts, index } = found;
    try {
      objectType(object.type)!.invoke!({
        contexts,
        index,
        registers,
        surroundings: this.#surroundings,
        readMemory: (at, length) => readMemory(tid, at, length),
        writeMemory: (at, bytes) => writeMemory(tid, at, bytes),
        checkTarget: (pc) => this.#rules.checkTarget(pc, tid),
      });
    } catch (error) {
      const { message, stack } = error as Error;
      this.#refused(tid, address, message);
      if (!(error instanceof Refusal)) writeLine(2, `trampfd: an invocation failed: ${stack}`);
      return false;
    }
    return this.#registers.write(tid);
  }

  #find(address: bigint, mappings: MappingQuery) {
    const mapping = mappings.at(address);
    if (mapping === undefined || mapping.executable) return undefined;
    if (!this.#objects.has(mapping.file)) this.#learn();
    const entry = this.#objects.get(mapping.file);
    if (entry === undefined) return undefined;
    const { object, contexts } = entry;
    const place = address - mapping.start + mapping.offset - object.base;
    const index = Number(place / BigInt(object.stride));
    const isStart = place % BigInt(object.stride) === 0n;
    return place >= 0n && isStart && index < object.count ? { object, contexts, index } : undefined;
  }
}

function readMemory(tid: number, address: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  check(readProcess(tid, address, bytes), address);
  return bytes;
}

function writeMemory(tid: number, address: bigint, bytes: Uint8Array): void {
  let error = writeProcess(tid, address, bytes);
  if (error !== 0) {
    // Since Linux 6.5 such a write lets no stack grow.
    touch(tid, address);
    error = writeProcess(tid, address, bytes);
  }
  check(error, address);
}

function check(error: number, address: bigint): void {
  if (error !== 0) throw new Refusal('EFAULT', `0x${address.toString(16)}: ${errnoName(error)}`);
}
