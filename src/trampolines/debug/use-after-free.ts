/**
 * What a call of a freed trampoline meets in debug mode: a trampoline of ours that carries a message to
 * standard error, and then jumps to the freed one's own trap. So a debugger still shows where it happened.
 */
import type { CodePageMethodName } from '../../codepage/code-page-method.js';
import { mapCode } from '../../codepage/regions.js';
import { free, mallocBytes } from '../../native/heap.js';
import { hostMachine } from '../../native/host.js';
import { FastBlocks } from '../slots/fast-blocks.js';
import { Slots } from '../slots/slots.js';
import { nextTableId, registerBlocks } from './registry.js';

interface ReporterPool {
  readonly slots: Slots;
  readonly stubAddress: bigint;
  /** The registers in the order of the data words. */
  readonly registerOrder: readonly number[];
}

const reporterPools = new Map<CodePageMethodName | undefined, ReporterPool>();

function reporterPoolFor(codeSource: CodePageMethodName | undefined): ReporterPool {
  let pool = reporterPools.get(codeSource);
  if (pool === undefined) {
    const stub = hostMachine().trampolines.freedCallStub();
    const registerOrder = Object.values(stub.registers).sort((a, b) => a - b);
    const slots = new Slots(
      new FastBlocks({ shape: { registers: registerOrder, stack: undefined }, codeSource, isolated: false }),
    );
    registerBlocks(slots, { table: nextTableId(), name: null, role: 'farewell', shared: true });
    const { address } = mapCode(() => stub, { method: codeSource, dataLength: 0 });
    pool = { slots, stubAddress: address, registerOrder };
    reporterPools.set(codeSource, pool);
  }
  return pool;
}

export interface FreedCallReporter {
  /** Where to jump for it. */
  readonly address: bigint;
  /** Gives its memory back. */
  dispose(): void;
}

/** A farewell that prints `message` and goes on to `trap`. */
export function createFreedCallReporter(
  codeSource: CodePageMethodName | undefined,
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
    new Uint32Array(
      BigUint64Array.from([stubAddress, ...registerOrder.map((number) => registerValues.get(number)!)])
        .buffer,
    ),
  );
  return {
    address: slots.address(slot),
    dispose() {
      slots.free(slot);
      free(messageAddress);
    },
  };
}
