/**
 * The state that the supervisor was started with and passes on to the program. Node changes some of it before any
 * JavaScript runs: it resets ignored signals, raises the limit of open files, and opens standard streams that were
 * closed. So the shell script that starts Node records the state first. The shell changes the environment: it drops
 * entries that are not valid variable names, and sets `IFS` and `PWD`.
 *
 * **Limitations.** A shell stops ignoring SIGCHLD when it starts, which cannot be detected afterwards. An environment
 * of more than about 95 KiB does not fit into a variable; it is passed on as the shell leaves it.
 */
import { readFileSync } from 'node:fs';
import { RLIM_INFINITY } from '../../linux/constants.js';
import type { Rlimit } from '../../linux/process/rlimits.js';

/** The environment variable that the shell script sets. */
export const inheritedVariable = 'TRAMPFD_INHERITED';

export interface InheritedState {
  /** `RLIMIT_NOFILE`; `undefined` if unknown: then Node's limit stays. */
  readonly openFilesLimit: Rlimit | undefined;
  /** Bit masks; bit 0 is signal 1. */
  readonly ignoredSignals: bigint;
  readonly blockedSignals: bigint;
  /** Open fds. */
  readonly openFds: readonly number[];
  /** The environment: NUL-terminated `name=value` entries. */
  readonly environment: readonly Uint8Array[];
}

/**
 * Parses the variable: `soft hard ignored blocked environment fd…`. Signal masks are hexadecimal; the environment is
 * base64, or `-` if it was too long for a variable.
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

/** Returns the last arguments of this process as bytes: not every argument is text, as Node's are. */
export function lastArguments(count: number): Uint8Array[] {
  return count === 0 ? [] : splitAfterNul(readFileSync('/proc/self/cmdline')).slice(-count);
}

function currentEnvironment(): Uint8Array[] {
  const prefix = `${inheritedVariable}=`;
  return splitAfterNul(readFileSync('/proc/self/environ')).filter(
    (variable) => !startsWithAscii(variable, prefix),
  );
}

/** Returns whether the bytes begin with an ASCII text. */
export function startsWithAscii(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes.subarray(0, text.length)).toString('latin1') === text;
}

/** Splits the bytes after each NUL. */
function splitAfterNul(bytes: Buffer): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    end = bytes.indexOf(0, start) + 1;
    if (end === 0) break;
    parts.push(bytes.subarray(start, end));
  }
  return parts;
}
