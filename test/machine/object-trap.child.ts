/** Invokes an instance without registers. The argument is its index. */
import koffi from '../support/koffi.js';
import { ObjectRange } from '../support/object-range.js';

const range = new ObjectRange({ count: 8, bodies: 1 });
console.log('mapped');
koffi.call(range.entry(Number(process.argv[2])), koffi.proto('void ()'));
