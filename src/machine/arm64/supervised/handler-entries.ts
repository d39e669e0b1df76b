/**
 * Entries of supervised handlers. Like a slot (`save-restore-stub.ts`), an entry reserves the block and loads two
 * registers. But x16 is its index, because the code contains no addresses. The common part calls the code that executes
 * bodies (`object-code.ts`), and an ordinary body jumps to the handler: it loads the PC and jumps, with the arguments
 * of the handler in x0 and x1.
 *
 *     bti c
 *     sub sp, sp, block
 *     stp x16, x17, [sp, …]
 *     adr x17, entry           address of the trampoline
 *     mov x16, index
 *     b   common
 *     brk
 *     u64 0, brk               as in other entries
 */

import { alignUp } from '../../../core/bits.js';
import { lazy } from '../../../core/lazy.js';
import { pcRelativeEhFrame } from '../../eh-frame.js';
import { assertSelectorsOutside } from '../../object-code.js';
import type { EntryCode } from '../../supervised-code.js';
import type { Assembler } from '../asm/assembler.js';
import { emitReserveBlock, handlerCommon } from '../trampolines/save-restore-stub.js';
import { padWithTraps } from '../trampolines/slot.js';
import { indexedEntries } from './indexed-entries.js';
import { emitEntryTrap, sharedCode, sharedCodeLength } from './object-code.js';

const stride = 48;
const trapWordOffset = 28;

type CommonCode = ReturnType<typeof handlerCommon>;
type EntryOptions = Parameters<EntryCode['code']>[1];

/** Returns the unwind table of the common part at an offset in the range. */
const ehFrameFor = ({ frame }: CommonCode, position: number): Uint8Array =>
  pcRelativeEhFrame({ ...frame, start: position });

function code(
  { firstOffset, length }: EntryCode,
  common: CommonCode,
  count: number,
  { selectorsOffset }: EntryOptions,
): Uint8Array {
  assertSelectorsOutside({ selectorsOffset, length: length(count), count });
  const commonOffset = firstOffset + count * stride;
  const sharedOffset = commonOffset + common.bytes.length;
  const image = padWithTraps(ehFrameFor(common, commonOffset), length(count));
  image.set(
    indexedEntries(count, { stride, register: 'x16', emitPrologue, emitEpilogue: emitEntryTrap }),
    firstOffset,
  );
  image.set(common.bytes, commonOffset);
  image.set(sharedCode(sharedOffset, selectorsOffset).bytes, sharedOffset);
  return image;
}

function emitPrologue(asm: Assembler): void {
  emitReserveBlock(asm);
  asm.emit('adr <Xd>, <label>', 'x17', asm.label(0));
}

export const handlerEntries = lazy((): EntryCode => {
  const common = handlerCommon((asm, end) => asm.emit('bl <label>', end));
  const firstOffset = alignUp(ehFrameFor(common, 0).length, 16);
  const entries: EntryCode = {
    firstOffset,
    stride,
    length: (count) => firstOffset + count * stride + common.bytes.length + sharedCodeLength(),
    trapOffset: (index) => firstOffset + index * stride + trapWordOffset,
    code: (count, options) => code(entries, common, count, options),
  };
  return entries;
});
