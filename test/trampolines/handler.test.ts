/** Register handlers: every register that a handler receives, and the effect of every change it makes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RegisterContextName } from '#src/core/registers.js';
import { addressOf, createRegisterHandler, registerContext } from '#src/index.js';
import {
  allFlags,
  captureAt,
  captureTarget,
  randomState,
  type State,
  stateName,
  word,
} from '../support/capture.js';
import { openHandlers, type Saved, savedNames, savedOf, savedWord, withSaved } from '../support/handlers.js';
import { needs } from '../support/needs.js';
import { processor } from '../support/processor.js';
import { type Random, randomFor, rounds } from '../support/random.js';
import { usedMethod } from '../support/used-method.js';

/** The stack of the captured code, large enough for a handler. */
const arena = new Uint8Array(2 ** 16);
const middle = (addressOf(arena) & -16n) + BigInt(arena.length / 2);
const { redZone, alignments, general, aliases, vectorName, keptVectors } = processor;
/** Alignment of stack pointers. */
const unit = alignments.length === 1 ? 16 : 1;

/** Words of a state that a handler may clobber: vector registers from the eighth on, except callee-saved ones. */
const isFree = (index: number): boolean =>
  index >= word.vectors + 16 && !keptVectors.some((vector) => index === word.vectors + 2 * vector);

/** Registers that are clobbered before the handler is called. */
const lost = processor.lost([], false).map((name) => general.indexOf(name));

function same(actual: BigUint64Array, expected: BigUint64Array, names: (index: number) => string): void {
  expected.forEach((value, index) => {
    assert.ok(
      actual[index] === value,
      `${names(index)}: 0x${actual[index]!.toString(16)}, not 0x${value.toString(16)}`,
    );
  });
}

function sameState(after: State, expected: State): void {
  same(
    after.filter((_, index) => !isFree(index)),
    expected.filter((_, index) => !isFree(index)),
    stateName,
  );
}

function documentedStructure(): string {
  const path = fileURLToPath(new URL('../../../docs/register-handlers.md', import.meta.url));
  const pieces = readFileSync(path, 'utf8').matchAll(/^```c\n([\s\S]*?)^```$/gm);
  return [...pieces].map(([, text]) => text!).find((text) => text.includes(` ${vectorName}[8]`))!;
}

/** Returns the values of C expressions, compiled after some declarations. */
function valuesInC(declarations: string, expressions: readonly string[]): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
  try {
    const [source, program] = [join(folder, 'values.c'), join(folder, 'values')];
    const body = expressions.map((expression) => `printf("%zu\\n", ${expression});`).join('\n');
    const head = `#include <stddef.h>\n#include <stdio.h>\n${declarations}`;
    writeFileSync(source, `${head}\nint main(void) {\n${body}\n}\n`);
    execFileSync('gcc', ['-Wall', '-Werror', '-o', program, source]);
    return execFileSync(program, { encoding: 'utf8' }).trimEnd().split('\n').map(Number);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bytes of the stack that must not change: the red zone below a stack pointer, and everything above it. */
function kept(sp: bigint): Uint8Array {
  return arena.slice(Number(sp - addressOf(arena)) - redZone);
}

/** Returns a random state with the stack pointer within a random stack. */
function start(random: Random, entry: bigint, alignment = random.pick(alignments)): State {
  arena.set(random.bytes(1024), arena.length / 2 - 512);
  return randomState(random, { sp: middle + BigInt(alignment), entry });
}

/** The block that a handler receives for a state: the caller's registers after the return. */
function expectedSaved(before: State): Saved {
  const saved = savedOf(before);
  const link = general.indexOf('x30');
  if (link >= 0) {
    saved[savedWord.pc] = saved[link]!;
    return saved;
  }
  const at = Number(before[word.sp]! - addressOf(arena));
  saved[savedWord.pc] = new DataView(arena.buffer).getBigUint64(at, true);
  saved[savedWord.sp]! += 8n;
  return saved;
}

describe('a handler', { skip: needs('gcc') }, () => {
  const { address, left, seen, called } = openHandlers();

  test('the layout is that of the C structure in the documentation', () => {
    const { size, offsets } = registerContext;
    const fields = [...general, 'flags', 'pc', 'sp'] as RegisterContextName[];
    const vectors = Array.from({ length: 8 }, (_, index) => `${vectorName}${index}` as RegisterContextName);
    const member = (name: string) => name.replace(/^([xq]|xmm)(\d+)$/, '$1[$2]');
    const places = [...fields, ...vectors].map(member);
    const known = valuesInC(documentedStructure(), [
      ...places.map((place) => `offsetof(struct saved_registers, ${place})`),
      'sizeof(struct saved_registers)',
    ]);
    assert.deepEqual([...[...fields, ...vectors].map((name) => offsets[name]), size], known);
    for (const [alias, own] of [...aliases, ...processor.savedTwins]) {
      assert.equal(offsets[alias as RegisterContextName], offsets[own as RegisterContextName], alias);
    }
    assert.ok(Object.isFrozen(offsets));
  });

  /** Jumps to a trampoline whose handler leaves the block `leave`, with the PC of the capturing code. */
  function invoke(before: State, leave: Saved): State {
    left.set(leave);
    left[savedWord.pc] = captureTarget();
    return captureAt(before, true);
  }

  test('receives all registers; those that it does not change stay', (t) => {
    const random = randomFor(t);
    using trampoline = createRegisterHandler({ handler: address('follow_script') });
    for (let round = 0; round < rounds({ normal: 200, long: 20_000 }); round++) {
      const before = start(random, trampoline.address, alignments[round % alignments.length]);
      const expected = expectedSaved(before);
      const untouched = kept(before[word.sp]!);
      const after = invoke(before, expected);
      for (const index of lost) expected[index] = seen[index]!;
      same(seen, expected, (index) => savedNames[index]!);
      sameState(after, withSaved(before, left, captureTarget()));
      assert.deepEqual(kept(before[word.sp]!), untouched);
      const [block, self, stack, flags] = called as unknown as [bigint, bigint, bigint, bigint];
      assert.equal(self, trampoline.address);
      assert.equal(block % 16n, 0n);
      assert.equal(stack % 16n, 0n, 'the stack is aligned at the call: psABI, section 3.2.2');
      assert.ok(block + BigInt(registerContext.size) <= before[word.sp]! - BigInt(redZone));
      assert.equal(flags & 0x400n, 0n, 'the direction flag is clear');
    }
  });

  test('receives all flags', (t) => {
    const random = randomFor(t);
    using trampoline = createRegisterHandler({ handler: address('follow_script') });
    for (const flags of allFlags()) {
      const before = start(random, trampoline.address);
      before[word.flags] = flags;
      const expected = expectedSaved(before);
      const after = invoke(before, expected);
      assert.equal(seen[savedWord.flags]! & ~0x10000n, flags);
      assert.equal(after[word.flags], flags);
    }
  });

  // Every test changes the PC, because the random stack contains no return address.
  for (const [index, name] of savedNames.entries()) {
    if (index === savedWord.pc) continue;
    test(`can change ${name}`, (t) => {
      const random = randomFor(t);
      using trampoline = createRegisterHandler({ handler: address('follow_script') });
      for (let round = 0; round < rounds({ normal: 20, long: 1000 }); round++) {
        const before = start(random, trampoline.address);
        const changed = expectedSaved(before);
        if (index === savedWord.flags) changed[index] = random.pick(allFlags());
        // Includes stack pointers at which the block and the words of the exit code overlap.
        else if (index === savedWord.sp)
          changed[index]! += BigInt(unit * random.integer({ from: -1000 / unit, to: 1000 / unit }));
        else changed[index] = random.word();
        const untouched = kept(changed[savedWord.sp]!);
        const after = invoke(before, changed);
        sameState(after, withSaved(before, changed, captureTarget()));
        if (index !== savedWord.sp) assert.deepEqual(kept(changed[savedWord.sp]!), untouched);
      }
    });
  }

  test('can change all of them at once', (t) => {
    const random = randomFor(t);
    using trampoline = createRegisterHandler({ handler: address('follow_script') });
    for (let round = 0; round < rounds({ normal: 100, long: 10_000 }); round++) {
      const before = start(random, trampoline.address);
      const changed = savedOf(start(random, trampoline.address));
      const after = invoke(before, changed);
      sameState(after, withSaved(before, changed, captureTarget()));
    }
  });

  test('the function at restoreAddress() loads all registers from a block anywhere in memory', (t) => {
    const random = randomFor(t);
    const elsewhere = new Uint8Array(1024);
    const entry = registerContext.restoreAddress();
    assert.equal(registerContext.restoreAddress(), entry);
    // The supervisor only provides code of tables.
    const [first] = (process.env['TRAMPFD_METHODS'] ?? '').split(',').filter((name) => name !== 'trampfd');
    assert.equal(usedMethod(entry), first === '' ? 'memfd' : first);
    for (let round = 0; round < rounds({ normal: 300, long: 30_000 }); round++) {
      const before = start(random, entry);
      const wanted = savedOf(start(random, entry));
      wanted[savedWord.pc] = captureTarget();
      const bytes = new Uint8Array(wanted.buffer);
      // In other memory, or on the restored stack: above the stack pointer, or below the red zone.
      const area = random.pick([elsewhere, arena]);
      const at =
        area === elsewhere
          ? random.integer({ to: elsewhere.length - bytes.length })
          : arena.length / 2 + random.integer({ from: -1000, to: 1000 });
      area.set(bytes, at);
      const untouched = kept(wanted[savedWord.sp]!);
      before[general.indexOf(aliases.get('arg0')!)] = addressOf(area) + BigInt(at);
      const after = captureAt(before, true);
      sameState(after, withSaved(before, wanted, captureTarget()));
      assert.deepEqual(kept(wanted[savedWord.sp]!), untouched);
    }
  });
});
