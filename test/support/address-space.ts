/**
 * Replays the memory system calls of traced processes. From the first mapping of a file of trampfd into a reserved
 * range on, no page of that range may ever be both writable and executable, at once or in turn. Other mappings are
 * ignored.
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
  /** Mappings without access, which may become regions. */
  reserved: Range[] = [];
  /** Protections of parts of `reserved` before they became regions. */
  early: { readonly changed: Range; readonly prot: string }[] = [];
  /** Pages of trampfd by number, with all protections that they ever had. */
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
  /** Calls that violated the rule. */
  readonly broken: string[];
  /** Pages of regions, code and data, in all processes. */
  pages: number;
}

/** Checks the calls of a process and its children. */
export function follow(calls: readonly Call[]): Findings {
  const spaces = new Map<number, AddressSpace>();
  const births = new Map<number, Call>();
  for (const call of calls) {
    if (/^(clone3?|v?fork)$/.test(call.name)) births.set(Number.parseInt(call.result, 10), call);
  }
  const findings: Findings = { broken: [], pages: 0 };
  // strace can print a child's first calls before the call that created the child.
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
    const ownFile = /<\/memfd:(trampfd[^> ]*)/.exec(file)?.[1];
    if (ownFile !== undefined) {
      addPages(space, mapped, broken, findings);
      if (ownFile === 'trampfd-data' ? prot.includes('EXEC') : prot.includes('WRITE'))
        broken('wrong use of a file');
    } else if (prot === 'PROT_NONE' && flags.includes('MAP_ANONYMOUS') && !flags.includes('MAP_FIXED')) {
      space.reserved.push(mapped);
    }
    protect(space, mapped, prot, broken);
  } else if (name === 'mprotect' || name === 'pkey_mprotect') {
    protect(space, range(address, length), prot, broken);
  } else if (name === 'munmap') {
    const unmapped = range(address, length);
    space.early = space.early.filter(
      ({ changed }) => changed.end <= unmapped.start || unmapped.end <= changed.start,
    );
    space.reserved = space.reserved.flatMap(({ start, end }) =>
      [
        { start, end: end < unmapped.start ? end : unmapped.start },
        { start: start > unmapped.end ? start : unmapped.end, end },
      ].filter((rest) => rest.start < rest.end && start <= rest.start && rest.end <= end),
    );
    if (removePages(space, unmapped) > 0) broken('a region is unmapped');
  } else if (name === 'mremap' || name === 'remap_file_pages') {
    if (removePages(space, range(address, length)) > 0) broken('a region is moved');
  }
}

/** Records that a file of trampfd is mapped, in a reserved range, which becomes a region, or elsewhere. */
function addPages(
  space: AddressSpace,
  mapped: Range,
  broken: (why: string) => void,
  findings: Findings,
): void {
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

/** Records a protection of pages of trampfd. */
function mark({ pages }: AddressSpace, changed: Range, prot: string, broken: (why: string) => void): void {
  const now = (prot.includes('WRITE') ? everWritable : 0) | (prot.includes('EXEC') ? everExecutable : 0);
  if (pages.size === 0) return;
  // V8's ranges can be huge, so the smaller set is iterated.
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

/** Removes pages. Returns how many of them belonged to regions. */
function removePages({ pages }: AddressSpace, removed: Range): number {
  let count = 0;
  if (pages.size === 0) return 0;
  for (const page of [...pages.keys()]) {
    if (page < removed.start >> pageBits || page >= removed.end >> pageBits) continue;
    if ((pages.get(page)! & inRegion) !== 0) count++;
    pages.delete(page);
  }
  return count;
}
