/**
 * The entries of supervised handlers. As a slot does (`handler.ts`), an entry pushes two words and goes on to the part
 * that all share; but they are its body and itself, both in bytes from the start of the range, since that is what
 * its code can know. The common part makes addresses of them once all registers are saved.
 *
 *     endbr64
 *     lea rsp, [rsp-128]          over the red zone
 *     push qword ptr [selector]   the body
 *     push entry
 *     jmp common
 *
 * The common part calls the body, and that is the ordinary one: it loads the PC and jumps, with what handlers
 * are given in the registers of arguments.
 */
import { relativeEhFrame } from '../eh-frame.js';
import type { EntryCode } from '../machine.js';
import { once } from '../once.js';
import { Assembler } from './assembler.js';
import { handlerCommon } from './handler.js';
import { repeat } from './repeat.js';
import { padCode } from './slot.js';
import { redZone } from './stack.js';

const stride = 32;
const trap = 25;

/** The common part for a range in which it stands there, and how to unwind through it. */
function commonAt(position: number): { bytes: Uint8Array; table: Uint8Array } {
  const { bytes, frame } = handlerCommon((asm, { handler, trampoline }) => {
    asm.emit('lea r64, m', 'rcx', { to: asm.label(-position) });
    asm.emit('mov r64, r/m64', 'rsi', trampoline);
    asm.emit('add r64, r/m64', 'rsi', 'rcx');
    asm.emit('add r64, r/m64', 'rcx', handler);
    return 'rcx';
  });
  return { bytes, table: relativeEhFrame({ ...frame, start: position }) };
}

type Options = Parameters<EntryCode['code']>[1];

function code({ firstAt, length }: EntryCode, count: number, { selectorsAt }: Options): Uint8Array {
  if (selectorsAt < length(count)) {
    throw new RangeError(`the selectors stand at ${selectorsAt}, inside ${count} entries`);
  }
  const position = firstAt + count * stride;
  const asm = new Assembler();
  const [selector, common] = [asm.label(selectorsAt - firstAt), asm.label(position - firstAt)];
  asm.emit('endbr64');
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -redZone });
  asm.emit('push r/m64', { to: selector });
  asm.emit('push imm32', 0);
  const entryAt = asm.position - 4;
  asm.emit('jmp rel32', common);
  if (asm.position !== trap) throw new Error('an entry has another length');
  asm.padTo(stride);

  const { bytes, table } = commonAt(position);
  const all = padCode(table, length(count));
  all.set(
    repeat(asm, count, (label) => (label === selector ? 8 : 0)),
    firstAt,
  );
  all.set(bytes, position);
  const view = new DataView(all.buffer);
  for (let at = firstAt; at < position; at += stride) view.setUint32(at + entryAt, at, true);
  return all;
}

export const handlerEntries = once((): EntryCode => {
  const { bytes, table } = commonAt(0);
  const firstAt = Math.ceil(table.length / stride) * stride;
  const entries: EntryCode = {
    firstAt,
    stride,
    length: (count) => firstAt + count * stride + bytes.length,
    trapAt: (index) => firstAt + index * stride + trap,
    code: (count, options) => code(entries, count, options),
  };
  return entries;
});
