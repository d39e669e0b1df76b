/** Invokes an instance that has no registers yet: the argument is its number. */
import koffi from 'koffi';
import { ObjectRange } from '../support/object-range.js';

const range = new ObjectRange({ count: 8, bodies: 1 });
console.log('mapped');
koffi.call(range.entry(Number(process.argv[2])), koffi.proto('void ()'));
