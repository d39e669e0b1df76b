/** Writes to the data of a frozen table, as a stray pointer would. The write must fault. */
import { createTrampolineTable, symbolAddress, viewMemory } from '#src/index.js';
import { mappingOf } from '#src/linux/process/proc-maps.js';

const isolated = process.argv[2] === 'isolated';
const table = createTrampolineTable({ registers: ['arg0'], isolated });
const address = table.add({ pc: symbolAddress('abs'), arg0: 5n });
if (process.argv[2] !== 'not frozen') table.freeze();
const data = mappingOf(address)!.end;
new BigUint64Array(viewMemory(data, 16).buffer)[1] = 6n;
console.log('written');
