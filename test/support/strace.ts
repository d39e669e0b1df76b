/** System calls of a program and its children, by `strace -f -y`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needs } from './needs.js';

export interface Call {
  readonly pid: number;
  readonly name: string;
  readonly args: readonly string[];
  /** Text after the equals sign: a number, and the errno's name for -1. */
  readonly result: string;
}

/** Returns the reason if strace cannot be used, for a test's `skip`. */
export function needsStrace(): false | string {
  const missing = needs('strace');
  if (missing !== false) return missing;
  const { status } = spawnSync('strace', ['-o', '/dev/null', 'true']);
  return status !== 0 && 'strace may not trace processes here';
}

/** Runs a program under strace. Returns the calls in the order of their returns, and the program's status. */
export function strace(
  calls: readonly string[],
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): { calls: Call[]; status: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-strace-'));
  try {
    const file = join(folder, 'calls');
    const options = ['-f', '-y', '-qq', '--seccomp-bpf', '-e', 'signal=none', '-o', file];
    const { status, stdout, stderr } = spawnSync(
      'strace',
      [...options, '-e', `trace=${calls.join(',')}`, program, ...args],
      { encoding: 'utf8', env },
    );
    return { calls: parse(readFileSync(file, 'utf8')), status, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Parses strace's output, in which calls can be split by lines of other threads. */
export function parse(text: string): Call[] {
  const unfinished = new Map<string, string>();
  return text.split('\n').flatMap((line) => {
    const [, pid, rest] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (pid === undefined || rest === undefined) return [];
    const begun = /^(.*?) *<unfinished \.\.\.>$/.exec(rest);
    if (begun !== null) {
      unfinished.set(pid, begun[1]!);
      return [];
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const whole = resumed === null ? rest : `${unfinished.get(pid) ?? ''}${resumed[1]}`;
    const [, name, args, result] = /^(\w+)\((.*)\) += (.*)$/.exec(whole) ?? [];
    if (name === undefined || args === undefined || result === undefined) return [];
    return [{ pid: Number(pid), name, args: args.split(', '), result }];
  });
}
