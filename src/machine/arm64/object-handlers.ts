/**
 * The entries of supervised handlers. As a slot does (`handler.ts`), an entry makes room for the block and loads two
 * registers; but x16 is its number, since an address is not what its code can know. The common part calls what follows
 * the steps of bodies (`object-code.ts`), and an ordinary body leads to the handler: it loads the PC and jumps, with what
 * handlers are given in x0 and x1.
 *
 *     bti c
 *     sub sp, sp, block
 *     stp x16, x17, [sp, …]
 *     adr x17, entry           the trampoline
 *     mov x16, number
 *     b   common
 *     brk
 *     u64 0, brk               as in other entries
 */
import { relativeEhFrame } from '../eh-frame.js';
import type { EntryCode } from '../machine.js';
import { once } from '../once.js';
import type { Assembler } from './assembler.js';
import { emitMakeRoom, handlerCommon } from './handler.js';
import { numberedEntries } from './numbered-entries.js';
import { emitTrap, shared, sharedLength } from './object-code.js';
import { padCode } from './slot.js';

const stride = 48;
const trapWordAt = 28;

type Common = ReturnType<typeof handlerCommon>;
type Options = Parameters<EntryCode['code']>[1];

/** How to unwind through the common part where it stands there. */
const tableFor = ({ frame }: Common, position: number): Uint8Array =>
  relativeEhFrame({ ...frame, start: position });

function code(
  { firstAt, length }: EntryCode,
  common: Common,
  count: number,
  { selectorsAt }: Options,
): Uint8Array {
  if (selectorsAt < length(count)) {
    throw new RangeError(`the selectors stand at ${selectorsAt}, inside the code of ${count} entries`);
  }
  const commonAt = firstAt + count * stride;
  const sharedAt = commonAt + common.bytes.length;
  const all = padCode(tableFor(common, commonAt), length(count));
  all.set(numberedEntries(count, { stride, register: 'x16', emitFirst, emitRest: emitTrap }), firstAt);
  all.set(common.bytes, commonAt);
  all.set(shared(sharedAt, selectorsAt).bytes, sharedAt);
  return all;
}

function emitFirst(asm: Assembler): void {
  emitMakeRoom(asm);
  asm.emit('adr <Xd>, <label>', 'x17', asm.label(0));
}

export const handlerEntries = once((): EntryCode => {
  const common = handlerCommon((asm, behind) => asm.emit('bl <label>', behind));
  const firstAt = Math.ceil(tableFor(common, 0).length / 16) * 16;
  const entries: EntryCode = {
    firstAt,
    stride,
    length: (count) => firstAt + count * stride + common.bytes.length + sharedLength(),
    trapAt: (index) => firstAt + index * stride + trapWordAt,
    code: (count, options) => code(entries, common, count, options),
  };
  return entries;
});
