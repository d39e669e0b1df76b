/** Lines for those who watch: `--trace` for people, the audit log for programs. */
import { abi } from '../abi/layout.js';
import type { Machine } from '../machine/index.js';
import type { Call } from './call.js';
import { writeLine } from './lines.js';
import { objectType } from './types/index.js';

/** How a call ended. */
export interface Ending {
  /** What the caller gets, or nothing when the kernel goes on with the call. */
  readonly value: bigint | undefined;
  readonly error?: { readonly code: string; readonly reason: string };
}

const contextNames = ['MAP', 'REGS', 'STACK', 'ALLOWED_PCS', 'ALLOWED_CALLERS'];

export class Reports {
  readonly #machine: Machine;
  readonly #traceTo: number | undefined;
  readonly #auditTo: number | undefined;

  constructor(
    machine: Machine,
    { traceTo, auditTo }: { traceTo: number | undefined; auditTo: number | undefined },
  ) {
    this.#machine = machine;
    this.#traceTo = traceTo;
    this.#auditTo = auditTo;
  }

  get wanted(): boolean {
    return this.#traceTo !== undefined || this.#auditTo !== undefined;
  }

  /** A call of the interface. */
  call(call: Call, ending: Ending): void {
    const { value, error } = ending;
    if (this.#traceTo !== undefined) {
      const result =
        error !== undefined ? `-1 ${error.code} (${error.reason})` : (value?.toString() ?? 'to the kernel');
      writeLine(this.#traceTo, `[${call.tid}] ${this.#text(call)} = ${result}`);
    }
    if (error?.code === 'EPERM') this.#audit({ tid: call.tid, call: this.#text(call), ...error });
  }

  /** An invocation of a slow object that was refused. */
  refused(tid: number, address: bigint, reason: string): void {
    const place = `0x${address.toString(16)}`;
    if (this.#traceTo !== undefined)
      writeLine(this.#traceTo, `[${tid}] invoke ${place}: refused (${reason})`);
    this.#audit({ tid, invocation: place, reason });
  }

  #audit(event: object): void {
    if (this.#auditTo === undefined) return;
    writeLine(this.#auditTo, JSON.stringify({ time: new Date().toISOString(), ...event }));
  }

  #text(call: Call): string {
    const { pread64, pwrite64, mmap } = this.#machine.systemCalls;
    const hex = (index: number) => `0x${call.args[index]!.toString(16)}`;
    if (call.number === pread64 || call.number === pwrite64) {
      const name = call.number === pread64 ? 'pread' : 'pwrite';
      return `${name}(${call.int(0)}, ${hex(1)}, ${call.args[2]}, ${contextText(call.args[3]!)})`;
    }
    if (call.number === mmap) {
      const [length, prot, flags] = [call.args[1], call.unsigned(2), hex(3)];
      return `mmap(${hex(0)}, ${length}, ${prot}, ${flags}, ${call.int(4)}, ${hex(5)})`;
    }
    const type = objectType(call.int(0))?.name ?? call.int(0);
    return `trampfd_create(${type}, ${hex(1)}, ${call.unsigned(2)})`;
  }
}

/** An offset as the header names it. */
function contextText(offset: bigint): string {
  const place = Number(BigInt.asUintN(32, offset));
  const name = contextNames[place & ((1 << abi.instanceShift) - 1)];
  const index = place >>> abi.instanceShift;
  const text = name === undefined ? `0x${offset.toString(16)}` : `TRAMPFD_${name}_OFFSET`;
  return index === 0 ? text : `TRAMPFD_AT(${text}, ${index})`;
}
