/**
 * Follows what happens to our memory in the address spaces of traced processes: from the moment that a file
 * of ours is mapped into a reserved range, no page of that range may ever be writable and executable, at the
 * same time or one after the other. What else a process maps is not looked at.
 */
import type { Call } from './strace.js';

export const tracedCalls = [
  ...['mmap', 'mprotect', 'pkey_mprotect', 'mremap', 'munmap', 'remap_file_pages', 'shmat'],
  ...['clone', 'clone3', 'fork', 'vfork', 'execve'],
];

const pageBits = 12n;
const [everWritable, everExecutable, inRegion] = [1, 2, 4];

interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

class AddressSpace {
  /** Memory without access, which may become a region of ours. */
  reserved: Range[] = [];
  /** Protections that parts of it got before. */
  early: { readonly changed: Range; readonly prot: string }[] = [];
  /** Pages of ours, by number, and what they ever were. */
  pages = new Map<bigint, number>();

  copy(): AddressSpace {
    const copy = new AddressSpace();
    copy.reserved = [...this.reserved];
    copy.early = [...this.early];
    copy.pages = new Map(this.pages);
    return copy;
  }
}

export interface Findings {
  /** Calls that broke the promise. */
  readonly broken: string[];
  /** Pages of regions, code and data, in all processes. */
  pages: number;
}

/** Looks at the calls of a process and its children. */
export function follow(calls: readonly Call[]): Findings {
  const spaces = new Map<number, AddressSpace>();
  const births = new Map<number, Call>();
  for (const call of calls) {
    if (/^(clone3?|v?fork)$/.test(call.name)) births.set(Number.parseInt(call.result, 10), call);
  }
  const findings: Findings = { broken: [], pages: 0 };
  // A child's first calls can be told before the call that made it.
  const spaceOf = (pid: number): AddressSpace => {
    let space = spaces.get(pid);
    if (space === undefined) {
      const birth = births.get(pid);
      const parent = birth === undefined ? undefined : spaceOf(birth.pid);
      const shared = birth?.name === 'vfork' || birth?.args.some((arg) => arg.includes('CLONE_VM'));
      space = (shared ? parent : parent?.copy()) ?? new AddressSpace();
      spaces.set(pid, space);
    }
    return space;
  };
  for (const call of calls) {
    const space = spaceOf(call.pid);
    if (call.result.startsWith('-1') || call.result.startsWith('?')) continue;
    if (call.name === 'execve') spaces.set(call.pid, new AddressSpace());
    else apply(space, call, findings);
  }
  return findings;
}

const range = (start: string, length: string): Range => {
  const end = BigInt(start) + BigInt(length);
  return { start: BigInt(start), end: ((end + (1n << pageBits) - 1n) >> pageBits) << pageBits };
};

function* pagesOf({ start, end }: Range): Generator<bigint> {
  for (let page = start >> pageBits; page < end >> pageBits; page++) yield page;
}

function apply(space: AddressSpace, call: Call, findings: Findings): void {
  const { name, args, result } = call;
  const [address = '', length = '', prot = '', flags = '', file = ''] = args;
  const broken = (why: string) => findings.broken.push(`${why}: ${name}(${args.join(', ')}) = ${result}`);
  if (name === 'mmap') {
    const mapped = range(result, length);
    const ours = /<\/memfd:(trampfd[^> ]*)/.exec(file)?.[1];
    if (ours !== undefined) {
      own(space, mapped, broken, findings);
      if (ours === 'trampfd-data' ? prot.includes('EXEC') : prot.includes('WRITE'))
        broken('wrong use of a file');
    } else if (prot === 'PROT_NONE' && flags.includes('MAP_ANONYMOUS') && !flags.includes('MAP_FIXED')) {
      space.reserved.push(mapped);
    }
    protect(space, mapped, prot, broken);
  } else if (name === 'mprotect' || name === 'pkey_mprotect') {
    protect(space, range(address, length), prot, broken);
  } else if (name === 'munmap') {
    const gone = range(address, length);
    space.early = space.early.filter(({ changed }) => changed.end <= gone.start || gone.end <= changed.start);
    space.reserved = space.reserved.flatMap(({ start, end }) =>
      [
        { start, end: end < gone.start ? end : gone.start },
        { start: start > gone.end ? start : gone.end, end },
      ].filter((rest) => rest.start < rest.end && start <= rest.start && rest.end <= end),
    );
    if (dropped(space, gone) > 0) broken('a region is gone');
  } else if (name === 'mremap' || name === 'remap_file_pages') {
    if (dropped(space, range(address, length)) > 0) broken('a region is moved');
  }
}

/** A file of ours is mapped: in a region, which is ours from now on, or anywhere. */
function own(space: AddressSpace, mapped: Range, broken: (why: string) => void, findings: Findings): void {
  const region = space.reserved.find(({ start, end }) => start <= mapped.start && mapped.end <= end);
  if (region !== undefined) {
    space.reserved = space.reserved.filter((candidate) => candidate !== region);
    for (const page of pagesOf(region)) space.pages.set(page, inRegion);
    findings.pages += Number((region.end - region.start) >> pageBits);
    for (const { changed, prot } of space.early) {
      if (changed.start < region.end && region.start < changed.end) mark(space, changed, prot, broken);
    }
  }
  for (const page of pagesOf(mapped)) space.pages.set(page, space.pages.get(page) ?? 0);
}

function protect(space: AddressSpace, changed: Range, prot: string, broken: (why: string) => void): void {
  if (!/WRITE|EXEC/.test(prot)) return;
  if (space.reserved.some(({ start, end }) => start < changed.end && changed.start < end)) {
    space.early.push({ changed, prot });
  }
  mark(space, changed, prot, broken);
}

/** Notes what pages of ours became. */
function mark({ pages }: AddressSpace, changed: Range, prot: string, broken: (why: string) => void): void {
  const now = (prot.includes('WRITE') ? everWritable : 0) | (prot.includes('EXEC') ? everExecutable : 0);
  if (pages.size === 0) return;
  // Ranges of V8's can be huge; ours are not.
  const own =
    changed.end - changed.start > BigInt(pages.size) << pageBits ? [...pages.keys()] : pagesOf(changed);
  let both = false;
  for (const page of own) {
    const before = pages.get(page);
    if (before === undefined || page < changed.start >> pageBits || page >= changed.end >> pageBits) continue;
    pages.set(page, before | now);
    both ||= ((before | now) & (everWritable | everExecutable)) === (everWritable | everExecutable);
  }
  if (both) broken('writable and executable');
}

/** Forgets pages. Returns how many of them belonged to regions. */
function dropped({ pages }: AddressSpace, gone: Range): number {
  let count = 0;
  if (pages.size === 0) return 0;
  for (const page of [...pages.keys()]) {
    if (page < gone.start >> pageBits || page >= gone.end >> pageBits) continue;
    if ((pages.get(page)! & inRegion) !== 0) count++;
    pages.delete(page);
  }
  return count;
}
