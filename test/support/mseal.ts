/** Whether the kernel has `mseal` (Linux 6.10), without which memory can be mapped over our code. */
import { mseal } from '#src/linux/memory.js';

export const hasMseal = mseal(0n, 0);
