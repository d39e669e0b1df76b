/**
 * Entries of supervised handlers. Like a slot (`save-restore-stub.ts`), an entry pushes two words and jumps to the
 * common part. The words are the offsets of its body and of itself from the start of the range, because the code
 * contains no addresses. The common part converts them to addresses after all registers are saved.
 *
 *     endbr64
 *     lea rsp, [rsp-128]          below the red zone
 *     push qword ptr [selector]   offset of the body
 *     push entry
 *     jmp common
 *
 * The common part calls an ordinary body, which loads the PC and jumps. The argument registers hold the arguments of
 * the handler.
 */

import { alignUp } from '../../../core/bits.js';
import { lazy } from '../../../core/lazy.js';
import { pcRelativeEhFrame } from '../../eh-frame.js';
import { assertSelectorsOutside } from '../../object-code.js';
import { replicate } from '../../replicate.js';
import type { EntryCode } from '../../supervised-code.js';
import { Assembler } from '../asm/assembler.js';
import { handlerCommon } from '../trampolines/save-restore-stub.js';
import { padWithTraps } from '../trampolines/slot.js';
import { redZone } from '../trampolines/stack.js';

const stride = 32;
const entryTrapOffset = 25;

/** Returns the common part and its unwind table, for an offset in the range. */
function commonPart(commonOffset: number): { bytes: Uint8Array; ehFrame: Uint8Array } {
  const { bytes, frame } = handlerCommon((asm, { handler, trampoline }) => {
    asm.emit('lea r64, m', 'rcx', { to: asm.label(-commonOffset) });
    asm.emit('mov r64, r/m64', 'rsi', trampoline);
    asm.emit('add r64, r/m64', 'rsi', 'rcx');
    asm.emit('add r64, r/m64', 'rcx', handler);
    return 'rcx';
  });
  return { bytes, ehFrame: pcRelativeEhFrame({ ...frame, start: commonOffset }) };
}

type EntryOptions = Parameters<EntryCode['code']>[1];

function code(
  { firstOffset, length }: EntryCode,
  count: number,
  { selectorsOffset }: EntryOptions,
): Uint8Array {
  assertSelectorsOutside({ selectorsOffset, length: length(count), count });
  const commonOffset = firstOffset + count * stride;
  const asm = new Assembler();
  const [selector, common] = [
    asm.label(selectorsOffset - firstOffset),
    asm.label(commonOffset - firstOffset),
  ];
  asm.emit('endbr64');
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -redZone });
  asm.emit('push r/m64', { to: selector });
  asm.emit('push imm32', 0);
  const immediateOffset = asm.position - 4;
  asm.emit('jmp rel32', common);
  if (asm.position !== entryTrapOffset) throw new Error('unexpected length of an entry');
  asm.padTo(stride);

  const { bytes, ehFrame } = commonPart(commonOffset);
  const image = padWithTraps(ehFrame, length(count));
  image.set(
    replicate(asm, count, (label) => (label === selector ? 8 : 0)),
    firstOffset,
  );
  image.set(bytes, commonOffset);
  const view = new DataView(image.buffer);
  for (let offset = firstOffset; offset < commonOffset; offset += stride)
    view.setUint32(offset + immediateOffset, offset, true);
  return image;
}

export const handlerEntries = lazy((): EntryCode => {
  const { bytes, ehFrame } = commonPart(0);
  const firstOffset = alignUp(ehFrame.length, stride);
  const entries: EntryCode = {
    firstOffset,
    stride,
    length: (count) => firstOffset + count * stride + bytes.length,
    trapOffset: (index) => firstOffset + index * stride + entryTrapOffset,
    code: (count, options) => code(entries, count, options),
  };
  return entries;
});
