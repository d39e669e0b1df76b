/** The lines of the registry. They are read from other processes, so every value is validated. */
import * as z from 'zod';

const address = z.string().regex(/^0x[0-9a-f]{1,16}$/);
/** Names are printed on terminals, which interpret control characters. */
const printableText = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .regex(/^\P{Cc}*$/u);
const count = z
  .int()
  .min(0)
  .max(2 ** 32);

/** A block of slots. */
export const blockLine = z.object({
  kind: z.literal('block'),
  code: address,
  codeLength: count,
  data: address,
  /** Number of slots, bytes per code slot, offset of the trap in a code slot, and bytes per data slot. */
  count: count.min(1),
  stride: count.min(1),
  trapAt: count.nullable(),
  dataStride: count.min(8),
  /** Whether the code loads registers and jumps, or calls a handler. */
  type: z.enum(['user', 'handler']).default('user'),
  registers: z.array(printableText(8)).max(40),
  stack: z.object({ size: count, offset: count, setSp: z.boolean() }).nullable(),
  method: printableText(16),
  /** Equal for the blocks of one table. */
  table: count,
  /** Whether the block is shared by single trampolines, instead of belonging to a table of the program. */
  shared: z.boolean(),
  name: printableText(256).nullable(),
  /**
   * `trampoline`: called by programs. `entry`: called by programs, and jumps to a body. `body`: the rest of a
   * trampoline. `freed-call`: reports calls of freed trampolines. `slow`: called by programs, without code.
   */
  role: z.enum(['trampoline', 'entry', 'body', 'freed-call', 'slow']),
});
export type BlockLine = z.infer<typeof blockLine>;

/** The name of one trampoline. */
export const nameLine = z.object({ kind: z.literal('name'), address, name: printableText(256) });
export type NameLine = z.infer<typeof nameLine>;

export const registryLine = z.discriminatedUnion('kind', [blockLine, nameLine]);
