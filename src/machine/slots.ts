/**
 * Images of code slots. The architecture assembles one slot; the others are copies in which the distances to the data
 * slot differ by a constant, because code and data slots have different lengths. Distances to the common part, at the
 * end of the image, differ by the length of a code slot.
 */
import { alignUp } from '../core/bits.js';
import { dataLayout, type Shape } from '../core/shape.js';
import type { FrameDescription } from './eh-frame.js';
import type { Fixup, Label, LabelAssembler } from './label-assembler.js';
import { replicate } from './replicate.js';
import type { CodeImage } from './trampoline-code.js';

/** Alignment of slots, in bytes: processors fetch aligned blocks of 16. */
const alignment = 16;

/** Labels of the slot's data, and of the code that all slots share. */
export interface SlotLabels {
  readonly data: Label;
  readonly common: Label;
}

/** The code that all handler slots of an image share. */
export interface CommonCode {
  readonly bytes: Uint8Array;
  readonly frame: FrameDescription;
}

export interface SlotEmitters<Asm> {
  readonly createAssembler: () => Asm;
  /** Emits one slot, up to the trap after its jump. */
  readonly emitSlot: (asm: Asm, shape: Shape, labels: SlotLabels) => void;
  readonly handlerCommon: () => CommonCode;
  readonly padWithTraps: (code: Uint8Array, length: number) => Uint8Array;
  /** Max bytes of an image whose slots all reach their data, if that is little. */
  readonly maxBytes?: number;
}

export interface SlotCode {
  slotLayout(shape: Shape): Pick<CodeImage, 'stride' | 'trapOffset'>;
  codeImage(shape: Shape, byteLength: number, dataOffset?: number): CodeImage;
}

export function slotCode<F extends Fixup, Asm extends LabelAssembler<F>>({
  createAssembler,
  emitSlot,
  handlerCommon,
  padWithTraps,
  maxBytes = Number.POSITIVE_INFINITY,
}: SlotEmitters<Asm>): SlotCode {
  /** Emits a slot with its padding, and returns the offset of the trap. */
  const emitPadded = (asm: Asm, shape: Shape, labels: SlotLabels): number => {
    emitSlot(asm, shape, labels);
    const trapOffset = asm.position;
    asm.padTo(alignUp(trapOffset + 1, alignment));
    return trapOffset;
  };
  return {
    slotLayout(shape) {
      const asm = createAssembler();
      const trapOffset = emitPadded(asm, shape, { data: asm.label(0), common: asm.label(0) });
      return { stride: asm.position, trapOffset };
    },

    codeImage(shape, byteLength, dataOffset = byteLength) {
      if (dataOffset > maxBytes) {
        throw new RangeError(`code of ${dataOffset} bytes cannot reach its data: at most ${maxBytes} bytes`);
      }
      const common = shape.type === 'handler' ? handlerCommon() : undefined;
      const commonOffset = byteLength - alignUp(common?.bytes.length ?? 0, alignment);
      const asm = createAssembler();
      const data = asm.label(dataOffset);
      const trapOffset = emitPadded(asm, shape, { data, common: asm.label(commonOffset) });
      const stride = asm.position;
      const count = Math.floor(commonOffset / stride);
      const slots = replicate(asm, count, (label) => (label === data ? dataLayout(shape).stride : 0));
      const bytes = padWithTraps(slots, byteLength);
      if (common === undefined) return { shape, bytes, count, stride, trapOffset };
      bytes.set(common.bytes, commonOffset);
      return { shape, bytes, count, stride, trapOffset, frame: { ...common.frame, start: commonOffset } };
    },
  };
}
