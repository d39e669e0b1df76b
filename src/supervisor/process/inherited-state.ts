/**
 * What the supervisor was started with, and the program shall be started with. Node changes some of it before any
 * JavaScript runs: it forgets which signals were ignored, raises the limit of open files, and opens what was
 * closed of the standard streams. So the shell script in front of it writes down how things were. A shell changes
 * the environment itself: it loses variables whose names are none to it, and sets `IFS` and `PWD`.
 *
 * **Limitations.** Shells stop to ignore SIGCHLD when they start, and nothing tells afterwards. An environment of more
 * than some 95 KiB does not fit into a variable; it is passed on as the shell leaves it.
 */
import { readFileSync } from 'node:fs';
import { RLIM_INFINITY } from '../../linux/constants.js';
import type { Rlimit } from '../../linux/process/rlimits.js';

/** The environment variable in which it says so. */
export const inheritedVariable = 'TRAMPFD_INHERITED';

export interface InheritedState {
  /** `RLIMIT_NOFILE`: the soft and the hard limit; nothing when it is not known, and stays as Node made it. */
  readonly openFilesLimit: Rlimit | undefined;
  /** Signals, a bit each, from signal 1. */
  readonly ignoredSignals: bigint;
  readonly blockedSignals: bigint;
  /** Descriptors that were open. */
  readonly openFds: readonly number[];
  /** The environment, each variable with a 0 behind it. */
  readonly environment: readonly Uint8Array[];
}

/**
 * Reads the variable: `soft hard ignored blocked environment descriptor…`; signals in hexadecimal, and the environment
 * in base64, or `-` where it was too long for a variable.
 */
export function parseInheritedState(text: string | undefined): InheritedState {
  const match = /^(\d+|unlimited) (\d+|unlimited) ([0-9a-f]+) ([0-9a-f]+) (\S*)((?: \d+)*)$/.exec(text ?? '');
  if (match === null) {
    const unknownState = { openFilesLimit: undefined, ignoredSignals: 0n, blockedSignals: 0n };
    return { ...unknownState, openFds: [0, 1, 2], environment: currentEnvironment() };
  }
  const [, soft, hard, ignored, blocked, environment, openFds] = match as unknown as string[];
  const parseLimit = (value: string) => (value === 'unlimited' ? RLIM_INFINITY : BigInt(value));
  return {
    openFilesLimit: { soft: parseLimit(soft!), hard: parseLimit(hard!) },
    ignoredSignals: BigInt(`0x${ignored}`),
    blockedSignals: BigInt(`0x${blocked}`),
    openFds: openFds!.split(' ').filter(Boolean).map(Number),
    environment:
      environment === '-' ? currentEnvironment() : splitAfterNul(Buffer.from(environment!, 'base64')),
  };
}

/** The last arguments that this process was started with, as bytes: Node's are text, and not every one is. */
export function lastArguments(count: number): Uint8Array[] {
  return count === 0 ? [] : splitAfterNul(readFileSync('/proc/self/cmdline')).slice(-count);
}

function currentEnvironment(): Uint8Array[] {
  const prefix = `${inheritedVariable}=`;
  return splitAfterNul(readFileSync('/proc/self/environ')).filter(
    (variable) => !startsWithAscii(variable, prefix),
  );
}

/** Whether bytes begin with a text in ASCII. */
export function startsWithAscii(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes.subarray(0, text.length)).toString('latin1') === text;
}

/** Splits bytes behind each 0. */
function splitAfterNul(bytes: Buffer): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    end = bytes.indexOf(0, start) + 1;
    if (end === 0) break;
    parts.push(bytes.subarray(start, end));
  }
  return parts;
}
