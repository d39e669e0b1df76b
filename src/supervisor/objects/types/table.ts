/** `TRAMPFD_TABLE` of RFC v2: loads two registers from two arrays in the program's memory. */

import { decodeTable } from '../../../abi/decode-create.js';
import { abi, structs } from '../../../abi/layout.js';
import { alignUp } from '../../../core/bits.js';
import { randomU64 } from '../random.js';
import type { ObjectType } from './object-type.js';

export const tableType: ObjectType = {
  name: 'TRAMPFD_TABLE',
  number: abi.types.table,
  dataSize: structs.trampfd_table.size,
  uncheckedTargets: true,

  createLayout(data, { machine, registerNumbers, pageSize }) {
    const tableData = decodeTable(data, registerNumbers);
    const { bytes, stride } = machine.supervised.tableCode(tableData, randomU64);
    const length = alignUp(bytes.length, pageSize);
    const content = machine.trampolines.padWithTraps(bytes, length);
    return { slow: false, count: tableData.count, length, stride, content, contexts: [] };
  },
};
