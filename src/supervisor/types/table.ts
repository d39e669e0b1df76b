/** `TRAMPFD_TABLE`, of RFC v2: two registers from two arrays of the program. */
import { decodeTable } from '../../abi/create.js';
import { abi, structs } from '../../abi/layout.js';
import { randomWord } from '../random.js';
import type { ObjectType } from './type.js';

export const table: ObjectType = {
  name: 'TRAMPFD_TABLE',
  number: abi.types.table,
  dataSize: structs.trampfd_table.size,
  openTargets: true,

  plan(data, { machine, names, pageSize }) {
    const given = decodeTable(data, names);
    const { bytes, stride } = machine.objectCode.table(given, randomWord);
    const length = Math.ceil(bytes.length / pageSize) * pageSize;
    const content = machine.padCode(bytes, length);
    return { slow: false, count: given.count, length, stride, content, contexts: [] };
  },
};
