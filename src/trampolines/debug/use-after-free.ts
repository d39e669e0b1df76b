/**
 * Debug mode: a freed slot jumps to a *freed-call reporter*, a trampoline that prints a message to stderr and then
 * jumps to the slot's trap, so that a debugger shows the address of the freed trampoline.
 */
import type { CodeSource } from '../../codepage/code-page-method.js';
import { mapCode } from '../../codepage/map-code.js';
import { free, mallocBytes } from '../../native/heap.js';
import { hostMachine } from '../../native/host.js';
import { FastBlocks } from '../slots/fast-blocks.js';
import { Slots } from '../slots/slots.js';
import { nextTableId, registerBlocks } from './registry.js';

interface ReporterPool {
  readonly slots: Slots;
  readonly stubAddress: bigint;
  /** Register numbers in the order of the data words after the PC. */
  readonly registerOrder: readonly number[];
}

const reporterPools = new Map<CodeSource | undefined, ReporterPool>();

function reporterPoolFor(codeSource: CodeSource | undefined): ReporterPool {
  let pool = reporterPools.get(codeSource);
  if (pool === undefined) {
    const stub = hostMachine().trampolines.freedCallStub();
    const registerOrder = Object.values(stub.registers).sort((a, b) => a - b);
    const slots = new Slots(
      new FastBlocks({ shape: { registers: registerOrder, stack: undefined }, codeSource, isolated: false }),
    );
    registerBlocks(slots, { table: nextTableId(), name: null, role: 'freed-call', shared: true });
    const { address } = mapCode(() => stub, { codeSource, dataLength: 0 });
    pool = { slots, stubAddress: address, registerOrder };
    reporterPools.set(codeSource, pool);
  }
  return pool;
}

export interface FreedCallReporter {
  /** The address to jump to. */
  readonly address: bigint;
  /** Frees its slot and message. */
  dispose(): void;
}

/** Creates a trampoline that prints `message` and jumps to `trapAddress`. */
export function createFreedCallReporter(
  codeSource: CodeSource | undefined,
  message: string,
  trapAddress: bigint,
): FreedCallReporter {
  const { slots, stubAddress, registerOrder } = reporterPoolFor(codeSource);
  const { registers } = hostMachine().trampolines.freedCallStub();
  const messageBytes = new TextEncoder().encode(message);
  const messageAddress = mallocBytes(messageBytes);
  const registerValues = new Map([
    [registers.message, messageAddress],
    [registers.length, BigInt(messageBytes.length)],
    [registers.trap, trapAddress],
  ]);
  const slot = slots.allocate();
  slots.writeNew(
    slot,
    BigUint64Array.from([stubAddress, ...registerOrder.map((number) => registerValues.get(number)!)]),
  );
  return {
    address: slots.address(slot),
    dispose() {
      slots.free(slot);
      free(messageAddress);
    },
  };
}
