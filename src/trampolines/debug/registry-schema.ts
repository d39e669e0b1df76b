/** The lines of the registry. Read from other processes, so nothing in them is believed unchecked. */
import * as z from 'zod';

const address = z.string().regex(/^0x[0-9a-f]{1,16}$/);
/** Names end up on terminals, which obey control characters. */
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
  /** Slots, bytes between code slots, where in each the trap stands, and bytes between data slots. */
  count: count.min(1),
  stride: count.min(1),
  trapAt: count.nullable(),
  dataStride: count.min(8),
  /** What the code does. */
  type: z.enum(['user', 'handler']).default('user'),
  registers: z.array(printableText(8)).max(40),
  stack: z.object({ size: count, offset: count, setSp: z.boolean() }).nullable(),
  method: printableText(16),
  /** Equal for the blocks of one table. */
  table: count,
  /** Whether this is no table of the program's, but what its single trampolines share. */
  shared: z.boolean(),
  name: printableText(256).nullable(),
  /** `trampoline`: called by programs. `entry`: the same, and leads to a body. `body`, `farewell`: parts of others.
   * `slow`: called by programs, without code. */
  role: z.enum(['trampoline', 'entry', 'body', 'farewell', 'slow']),
});
export type BlockLine = z.infer<typeof blockLine>;

/** The name of one trampoline. */
export const nameLine = z.object({ kind: z.literal('name'), address, name: printableText(256) });
export type NameLine = z.infer<typeof nameLine>;

export const registryLine = z.discriminatedUnion('kind', [blockLine, nameLine]);
