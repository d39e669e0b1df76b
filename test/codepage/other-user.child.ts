/**
 * Becomes another user and tries to change another process's code: `other-user.child.js PID ADDRESS OFFSET [FILE…]`.
 * Prints the result of each attempt.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { addressOf } from 'trampfd';
import { libc, outcome } from '../support/libc.js';

const unprivileged = 65534;

const [pid, start, offset, ...files] = process.argv.slice(2);
const address = BigInt(start!);
const bytes = new Uint8Array(8).fill(0x90);

function overwrite(path: string, at: number): void {
  const fd = openSync(path, 'r+');
  try {
    writeSync(fd, bytes, 0, bytes.length, at);
  } finally {
    closeSync(fd);
  }
}

const local = BigUint64Array.of(addressOf(bytes), 8n);
const remote = BigUint64Array.of(address, 8n);

process.setgroups?.([]);
process.setgid?.(unprivileged);
process.setuid?.(unprivileged);
const attempts = [
  ...files.map((path) => () => overwrite(path, Number(offset))),
  () => overwrite(`/proc/${pid}/mem`, Number(address)),
  () => libc.process_vm_writev(Number(pid), addressOf(local), 1, addressOf(remote), 1, 0),
];
console.log(JSON.stringify(attempts.map(outcome)));
