/**
 * What the supervisor was started with, and the program shall be started with. Node changes some of it before any
 * JavaScript runs: it forgets which signals were ignored, raises the limit of open files, and opens what was
 * closed of the standard streams. So the shell script in front of it writes down how things were.
 */
import { readFileSync } from 'node:fs';

/** The environment variable in which it says so. */
export const inheritedVariable = 'TRAMPFD_INHERITED';

export interface Inherited {
  /** `RLIMIT_NOFILE`: the soft and the hard limit; nothing when it is not known, and stays as Node made it. */
  readonly openFiles: { readonly soft: bigint; readonly hard: bigint } | undefined;
  /** Signals, a bit each, from signal 1. */
  readonly ignored: bigint;
  readonly blocked: bigint;
  /** Descriptors that were open. */
  readonly descriptors: readonly number[];
}

/** `RLIM_INFINITY`. <sys/resource.h> */
const unlimited = 2n ** 64n - 1n;

/** Reads the variable: `soft hard ignored blocked descriptor…`; numbers of signals in hexadecimal. */
export function readInherited(text: string | undefined): Inherited {
  const parts = /^(\d+|unlimited) (\d+|unlimited) ([0-9a-f]+) ([0-9a-f]+)((?: \d+)*)$/.exec(text ?? '');
  if (parts === null) return { openFiles: undefined, ignored: 0n, blocked: 0n, descriptors: [0, 1, 2] };
  const [, soft, hard, ignored, blocked, descriptors] = parts as unknown as string[];
  const limit = (value: string) => (value === 'unlimited' ? unlimited : BigInt(value));
  return {
    openFiles: { soft: limit(soft!), hard: limit(hard!) },
    ignored: BigInt(`0x${ignored}`),
    blocked: BigInt(`0x${blocked}`),
    descriptors: descriptors!.split(' ').filter(Boolean).map(Number),
  };
}

/** Whether `ptrace` is only for descendants here (Yama), so that orphans have to stay some. */
export function needsDescent(): boolean {
  try {
    return Number(readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8')) > 0;
  } catch {
    return false;
  }
}
