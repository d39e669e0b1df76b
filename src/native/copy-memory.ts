import { libc } from './libc.js';

/** Copies bytes to mapped, writable memory. Creating a view would take longer than the copy. */
export function copyToMemory(address: bigint, bytes: Uint8Array): void {
  libc().memcpy(address, bytes, bytes.length);
}
