/**
 * Creates a table for each shape and calls a trampoline of it: `method-order.child.js SOURCE SHAPE…`, where a shape
 * is register names separated by commas, and the code source may be empty. Prints a line of JSON for each: the method
 * used and the mapped path, or the error.
 */
import assert from 'node:assert/strict';
import type { CodeSource } from '#src/codepage/code-page-method.js';
import { createTrampolineTable, symbolAddress, type TableRegister, TrampfdError } from '#src/index.js';
import { mappingOf } from '#src/linux/process/proc-maps.js';
import { callInt64 } from '../support/calls.js';
import { usedMethod } from '../support/used-method.js';

const [codeSource, ...shapes] = process.argv.slice(2);
const pc = symbolAddress('getpid');

for (const shape of shapes) {
  const registers = shape.split(',') as TableRegister[];
  const options = codeSource === '' ? {} : { codeSource: codeSource as CodeSource };
  try {
    const table = createTrampolineTable({ registers, ...options });
    const values = Object.fromEntries(registers.map((name) => [name, 1n]));
    const address = table.add({ ...values, pc } as Parameters<typeof table.add>[0]);
    assert.equal(callInt64(address), BigInt(process.pid));
    console.log(JSON.stringify({ method: usedMethod(address), path: mappingOf(address)!.path }));
  } catch (error) {
    if (!(error instanceof TrampfdError || error instanceof RangeError)) throw error;
    const { name, message, code, syscall, cause } = error as TrampfdError;
    const causes = Array.isArray(cause) ? cause.length : undefined;
    console.log(JSON.stringify({ name, message, code, syscall, causes }));
  }
}
