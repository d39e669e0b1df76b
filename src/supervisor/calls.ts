/** The system call and what else programs do with objects: the kernel's part, played here. */
import { contextLengths } from '../abi/contexts.js';
import { abi, structs } from '../abi/layout.js';
import { encodeMap } from '../abi/map.js';
import { Refusal } from '../abi/refusal.js';
import { isShortage } from '../linux/errno.js';
import { fileBehind } from '../linux/file-identity.js';
import { MAP_SHARED } from '../linux/memory.js';
import type { Call, Outcome } from './call.js';
import type { AbiName } from './filter.js';
import { type Objects, TrampolineObject } from './objects.js';
import type { Rules } from './rules.js';
import { objectType } from './types/index.js';
import type { Surroundings } from './types/type.js';

/** The kinds of mappings: what `MAP_TYPE` covers. <linux/mman.h> */
const MAP_TYPE = 15;
const { allowedCallers, map } = abi.contexts;
const passOn: Outcome = { kind: 'continue', ours: true };

export interface CallsOptions {
  readonly surroundings: Surroundings;
  readonly objects: Objects;
  readonly rules: Rules;
  /** Makes sure that faults of the caller's process are handled; whether they are already. */
  readonly trace: (call: Call) => boolean;
  /** Tells whoever handles faults of a new slow object. */
  readonly announce: (object: TrampolineObject) => void;
  /** Removes all objects that nobody can reach. @returns how many */
  readonly collect: () => number;
  /** Takes an object back that nobody got. */
  readonly discard: (object: TrampolineObject) => void;
}

export class Calls {
  readonly #options: CallsOptions;
  readonly #handlers: ReadonlyMap<number, (call: Call) => Outcome>;

  constructor(options: CallsOptions, abiName: AbiName) {
    this.#options = options;
    const { pread64, pwrite64, mmap, process_madvise } = options.surroundings.machine.systemCalls;
    const first: [number, (call: Call) => Outcome][] = [
      [abi.createNumber, (call) => this.#create(call, abi.offsetBase)],
      [pread64, (call) => this.#onContext(call, this.#read)],
      [pwrite64, (call) => this.#onContext(call, this.#write)],
      [mmap, (call) => this.#map(call)],
    ];
    if (abiName === 'rfc-v1') first.push([process_madvise, (call) => this.#create(call, 0n)]);
    this.#handlers = new Map(first);
  }

  /** @throws Refusal, Gone */
  answer(call: Call): Outcome {
    return this.#handlers.get(call.number)?.(call) ?? passOn;
  }

  /** `int trampfd_create(int type, const void *data, unsigned int flags)` */
  #create(call: Call, base: bigint): Outcome {
    const { surroundings, objects, rules, trace, announce, collect, discard } = this.#options;
    const type = objectType(call.int(0));
    if (type === undefined) throw new Refusal('EINVAL', `there is no type ${call.int(0)}`);
    if (call.unsigned(2) !== 0) throw new Refusal('EINVAL', 'flags is not 0');
    if (call.args[1] === 0n) throw new Refusal('EINVAL', 'data is NULL');
    const data = call.read(call.args[1]!, type.dataSize);
    const plan = type.plan(new DataView(data.buffer, 0, data.length), surroundings);
    rules.checkType(type, plan);
    if (rules.isFull(objects.size) && collect() === 0) rules.refuseMore();
    if (plan.slow && !trace(call)) return { kind: 'later' };
    const object = this.#make(() => new TrampolineObject(type, plan, base, surroundings));
    if (plan.slow) announce(object);
    return {
      kind: 'descriptor',
      fd: object.file.reader,
      given: (number) => {
        object.file.closeReader();
        if (number < 0) discard(object);
        else objects.add(object);
      },
    };
  }

  #make(make: () => TrampolineObject, again = true): TrampolineObject {
    try {
      return make();
    } catch (error) {
      // What is used up may be held for objects that are gone.
      if (again && isShortage(error) && this.#options.collect() > 0) return this.#make(make, false);
      const { code, message } = error as { code?: string; message: string };
      if (code === 'EMFILE' || code === 'ENFILE') throw new Refusal('ENFILE', message);
      if (code === 'EFBIG') throw new Refusal('EFBIG', message);
      if (isShortage(error)) throw new Refusal('ENOMEM', message);
      throw error;
    }
  }

  #object(call: Call, fd: number): TrampolineObject | undefined {
    const file = fileBehind(call.tid, fd);
    if (file === undefined) return undefined;
    call.stillThere();
    return this.#options.objects.find(file);
  }

  /** Finds the object, instance and context that `pread` or `pwrite` mean. */
  #onContext(call: Call, act: (call: Call, target: Target) => void): Outcome {
    const object = this.#object(call, call.int(0));
    const offset = call.args[3]!;
    const isNear = offset < 256n;
    // An object of the first proposal stands at its own offsets, any other far out.
    if (isNear && object?.base !== 0n) return { kind: 'continue', ours: false };
    if (object === undefined) return passOn;
    const place = Number(BigInt.asUintN(32, offset));
    const index = place >>> abi.instanceShift;
    if (index >= object.plan.count) {
      throw new Refusal('EINVAL', `there is no instance ${index} of ${object.plan.count}`);
    }
    const [buffer, length] = [call.args[1]!, call.args[2]!];
    if (buffer === 0n || length === 0n) throw new Refusal('EINVAL', 'there is no buffer');
    act.call(this, call, { object, index, context: place & ((1 << abi.instanceShift) - 1) });
    return { kind: 'value', value: length };
  }

  #read(call: Call, { object, index, context }: Target): void {
    const [buffer, length] = [call.args[1]!, call.args[2]!];
    if (context === map) {
      if (length !== BigInt(structs.trampfd_map.size)) {
        throw new Refusal('EINVAL', `${length} bytes were asked for; struct trampfd_map has another size`);
      }
      call.write(buffer, encodeMap(object.map));
    } else {
      checkLength(object, context, length);
      call.write(buffer, object.contexts!.get(index, context).subarray(0, Number(length)));
    }
  }

  #write(call: Call, { object, index, context }: Target): void {
    const { surroundings, rules } = this.#options;
    checkLength(object, context, call.args[2]!);
    const contexts = object.contexts!;
    const change = contexts.decode(context, call.read(call.args[1]!, Number(call.args[2]!)));
    const { registers } = change.told;
    if (registers !== undefined) {
      const { allowedPcs: allowed } = contexts.read(index);
      if (allowed?.includes(registers.pc) === false) {
        throw new Refusal('EINVAL', `0x${registers.pc.toString(16)} is not among the allowed PCs`);
      }
      rules.checkRegisters(registers.pc, allowed, call.tid);
      if (!object.plan.slow) checkFast(registers.loads, surroundings);
    }
    object.change(index, change);
  }

  /** `mmap`: the kernel does it; faults of slow objects have to be seen from then on. */
  #map(call: Call): Outcome {
    const object = this.#object(call, call.int(4));
    if (object === undefined) return passOn;
    const { size, prot, offsetPage } = object.map;
    const given = { length: call.args[1]!, prot: call.unsigned(2), flags: call.unsigned(3) };
    const start = object.base + BigInt(offsetPage * this.#options.surroundings.pageSize);
    if (call.args[5] !== start || given.length !== BigInt(size)) {
      throw new Refusal('EINVAL', 'offset or length are not those of the map');
    }
    if (given.prot !== prot) throw new Refusal('EINVAL', `the protection is ${given.prot}, not ${prot}`);
    // MAP_SHARED_VALIDATE has this bit, too, and asks for nothing that is not refused by the kernel.
    if ((given.flags & MAP_TYPE & MAP_SHARED) === 0) throw new Refusal('EINVAL', 'the mapping is not shared');
    if (object.plan.slow && !this.#options.trace(call)) return { kind: 'later' };
    return passOn;
  }
}

interface Target {
  readonly object: TrampolineObject;
  readonly index: number;
  readonly context: number;
}

function checkLength(object: TrampolineObject, context: number, length: bigint): void {
  const lengths = contextLengths[context];
  if (context === allowedCallers && !object.plan.slow) {
    throw new Refusal('EINVAL', 'allowed callers are for slow objects');
  }
  if (lengths === undefined || !object.plan.contexts.includes(context)) {
    throw new Refusal('EINVAL', `${object.type.name} has no context ${context} to read or write`);
  }
  if (length < BigInt(lengths.least) || length > BigInt(lengths.most)) {
    throw new Refusal('EINVAL', `the context has ${lengths.least} to ${lengths.most} bytes, not ${length}`);
  }
}

function checkFast(loads: readonly { readonly register: number }[], { machine }: Surroundings): void {
  const shape = { registers: loads.map(({ register }) => register), stack: undefined };
  try {
    machine.checkShape(shape, 'regs');
  } catch (error) {
    throw new Refusal('EINVAL', (error as Error).message);
  }
}
