/** C functions by address, in both directions. */
import { koffi } from './koffi.js';

/** Returns a function that calls the C function at `address`. */
export function bindFunction(prototype: string, address: bigint): (...args: unknown[]) => unknown {
  const type = koffi().proto(prototype);
  return (...args) => koffi().call(address, type, ...args);
}

/**
 * Returns the address of a `void ()` function that calls `callback`. If it is called on koffi's own stack, koffi
 * switches to the thread's stack for the call.
 */
export function callbackAddress(callback: () => void): bigint {
  const ffi = koffi();
  return ffi.address(ffi.register(callback, ffi.pointer(ffi.proto('void ()'))));
}
