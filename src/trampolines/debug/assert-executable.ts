import { isExecutable, mappingOf } from '../../linux/process/proc-maps.js';

/** In debug mode: throws if a PC is not in executable memory. @param subject names it in the error */
export function assertExecutable(pc: bigint, subject: string): void {
  if (isExecutable(pc)) return;
  const mapping = mappingOf(pc);
  const problem =
    mapping === undefined ? 'is not mapped' : `is in memory that is not executable: ${mapping.text}`;
  throw new RangeError(`${subject} 0x${pc.toString(16)} ${problem}`);
}
