/** An object of the supervisor of this process, used by the system calls themselves. */

import { abi, structs } from '#src/abi/layout.js';
import { registerNumber } from '#src/core/registers.js';
import { addressOf } from '#src/index.js';
import { errnoName } from '#src/native/errno.js';
import { hostMachine } from '#src/native/host.js';
import { captureTarget } from './capture.js';
import type { Contexts } from './contexts.js';
import koffi from './koffi.js';

const self = koffi.load(null);
const syscall = self.func('long syscall(long, long, uintptr_t, long)');
const pread = self.func('intptr_t pread64(int, uintptr_t, size_t, int64_t)');
const pwrite = self.func('intptr_t pwrite64(int, uintptr_t, size_t, int64_t)');
const mmap = self.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)');

function checked(result: number | bigint, what: string): number | bigint {
  if (Number(result) === -1) throw new Error(`${what}: ${errnoName(koffi.errno())}`);
  return result;
}

export class SupervisedObject {
  readonly #fd: number;
  readonly #base: bigint;
  readonly #stride: number;

  constructor({ slow, count }: { readonly slow: boolean; readonly count: number }) {
    const user = Uint32Array.of(slow ? abi.slow : 0, count);
    const { types, createNumber, offsetBase } = abi;
    this.#fd = Number(
      checked(syscall(createNumber, types.user, addressOf(user), 0) as number, 'trampfd_create'),
    );
    const map = this.#read(0, abi.contexts.map, structs.trampfd_map.size);
    const [size, prot, flags, offsetPage, , stride] = new Uint32Array(map.buffer);
    this.#stride = stride!;
    const offset = offsetBase + BigInt(offsetPage!) * 4096n;
    this.#base = BigInt(checked(mmap(0n, size!, prot!, flags!, this.#fd, offset) as number, 'mmap'));
  }

  address(index: number): bigint {
    return this.#base + BigInt(index * this.#stride);
  }

  /** Writes the contexts of an instance, and returns the bytes written and read back of each. */
  set(index: number, { registers, stack }: Contexts): { written: Uint8Array; back: Uint8Array }[] {
    const pairs = [['pc', captureTarget()] as const, ...Object.entries(registers)];
    const regs = new DataView(new ArrayBuffer(structs.trampfd_regs.regs + 16 * pairs.length));
    regs.setUint32(0, pairs.length, true);
    for (const [position, [name, value]] of pairs.entries()) {
      const offset = structs.trampfd_regs.regs + 16 * position;
      regs.setUint32(offset, registerNumber(hostMachine().registerFile, name), true);
      regs.setBigUint64(offset + 8, value!, true);
    }
    const data = new DataView(new ArrayBuffer(structs.trampfd_stack.data + (stack?.size ?? 0)));
    data.setUint32(structs.trampfd_stack.flags, stack?.setSp === true ? abi.setSp : 0, true);
    data.setUint32(structs.trampfd_stack.offset, stack?.offset ?? 0, true);
    data.setUint32(structs.trampfd_stack.data_size, stack?.size ?? 0, true);
    if (stack !== undefined) new Uint8Array(data.buffer).set(stack.data, structs.trampfd_stack.data);
    return [
      this.#exchange(index, abi.contexts.stack, new Uint8Array(data.buffer)),
      this.#exchange(index, abi.contexts.regs, new Uint8Array(regs.buffer)),
    ];
  }

  #exchange(index: number, context: number, written: Uint8Array) {
    const offset = this.#offset(index, context);
    checked(pwrite(this.#fd, addressOf(written), written.length, offset) as number, 'pwrite');
    return { written, back: this.#read(index, context, written.length) };
  }

  #read(index: number, context: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    checked(pread(this.#fd, addressOf(bytes), length, this.#offset(index, context)) as number, 'pread');
    return bytes;
  }

  #offset(index: number, context: number): bigint {
    return abi.offsetBase + (BigInt(index) << BigInt(abi.instanceShift)) + BigInt(context);
  }
}
