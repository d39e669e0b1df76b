/**
 * Compares call layouts with gcc: functions that gcc compiled are called with arguments at the locations of the layout
 * and must receive them, and their results must be at the location of the layout.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parsePrototype } from '#src/ffi/prototype/parse.js';
import { addressOf, symbolAddress, viewMemory } from '#src/index.js';
import { type FieldType, type Signature, sizeOf } from '#src/machine/c-types.js';
import type { DirectLocation } from '#src/machine/call-layout.js';
import { hostMachine } from '#src/native/host.js';
import { CDeclarations, eachScalar, randomSignature } from '../support/c-signatures.js';
import koffi from '../support/koffi.js';
import { needs } from '../support/needs.js';
import { type Random, randomFor, rounds } from '../support/random.js';

const parse = (signature: unknown) => parsePrototype(signature, hostMachine().ffi.cPlatform);

/** Indexes of the words of a call, as in `test/programs/call.S`. */
const word = {
  ...{ general: 0, vector: 9, vectors: 17, entry: 18, stack: 19, stackWords: 20 },
  ...{ generalResults: 21, vectorResults: 23, count: 27 },
};
const resultWord = { general: word.generalResults, vector: word.vectorResults };

/** Bytes of each buffer. Functions store arguments in one, at multiples of 8, and load the result from another. */
const bufferBytes = 1 << 20;

interface Probe {
  readonly call: (words: bigint) => void;
  readonly seen: Uint8Array;
  readonly returned: Uint8Array;
  /** Buffer with the stack arguments, and its address. */
  readonly stacked: Uint8Array;
  readonly stackedAt: bigint;
}

test('gcc passes arguments and results in the same locations', { skip: needs('gcc') }, (t) => {
  const random = randomFor(t);
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-calls-'));
  try {
    for (let left = rounds({ normal: 2000, long: 40_000 }); left > 0; left -= 1000) {
      const signatures = Array.from({ length: 1000 }, () => parse(randomSignature(random)));
      const library = join(folder, `calls${left}.so`);
      compile(signatures, library);
      const probe = open(library);
      for (const [index, signature] of signatures.entries()) {
        checkCall({ signature, entry: symbolAddress(`f${index}`, library), probe, random });
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Compiles a library of functions that copy their arguments to `seen` and return the contents of `returned`. */
function compile(signatures: readonly Signature[], library: string): void {
  const declarations = new CDeclarations();
  const functions = signatures.map((signature, index) => source(signature, index, declarations));
  const text = [
    ...['stdarg', 'stddef', 'stdint', 'string'].map((header) => `#include <${header}.h>`),
    `unsigned char seen[${bufferBytes}], returned[${bufferBytes}], stacked[${bufferBytes}];`,
    ...declarations.definitions,
    ...functions,
  ];
  const probe = fileURLToPath(new URL('../../../test/programs/call.S', import.meta.url));
  const flags = ['-O1', '-shared', '-fPIC', '-o', library];
  execFileSync('gcc', [...flags, '-x', 'c', '-', '-x', 'assembler-with-cpp', probe], {
    input: text.join('\n'),
    stdio: ['pipe', 'inherit', 'inherit'],
  });
}

function source(
  { args, result, variadicFrom }: Signature,
  index: number,
  declarations: CDeclarations,
): string {
  const parameters = args.map(({ type }, place) => declarations.declare(type, `a${place}`));
  const fixed = parameters.slice(0, variadicFrom);
  const lines: string[] = [];
  if (variadicFrom !== undefined) {
    lines.push('va_list list;', `va_start(list, a${variadicFrom - 1});`);
    for (const [place, { type }] of args.entries()) {
      if (place < variadicFrom) continue;
      lines.push(`${parameters[place]} = va_arg(list, ${declarations.declare(type, '')});`);
    }
    lines.push('va_end(list);');
  }
  for (const [place, at] of places(args.map(({ type }) => type)).entries()) {
    lines.push(`memcpy(seen + ${at}, &a${place}, sizeof a${place});`);
  }
  if (result.kind !== 'void') {
    lines.push(`${declarations.declare(result, 'result')};`);
    lines.push('memcpy(&result, returned, sizeof result);', 'return result;');
  }
  const list = variadicFrom === undefined ? fixed.join(', ') || 'void' : `${fixed.join(', ')}, ...`;
  return `${declarations.declare(result, '')}f${index}(${list})\n{\n${lines.join('\n')}\n}`;
}

/** Returns the offset of each value in `seen`. */
function places(types: readonly FieldType[]): number[] {
  let end = 0;
  return types.map((type) => {
    const at = end;
    end += Math.ceil(sizeOf(type) / 8) * 8;
    return at;
  });
}

function open(library: string): Probe {
  const call = koffi.load(library).func('void call_with(uintptr_t)') as unknown as Probe['call'];
  const buffer = (name: string) => viewMemory(symbolAddress(name, library), bufferBytes);
  const stackedAt = symbolAddress('stacked', library);
  return { call, seen: buffer('seen'), returned: buffer('returned'), stacked: buffer('stacked'), stackedAt };
}

/** Stores random values at the locations of the layout, calls the function, and compares what it received. */
function checkCall({
  signature,
  entry,
  probe,
  random,
}: {
  signature: Signature;
  entry: bigint;
  probe: Probe;
  random: Random;
}): void {
  const { args, result, variadicFrom, text } = signature;
  const layout = hostMachine().ffi.callLayout(signature);
  assert.equal(layout.stackSize % 8, 0);
  const words = BigUint64Array.from({ length: word.count }, () => random.word());
  const bytes = new Uint8Array(words.buffer);
  const values = args.map(({ type }) => randomValue(random, type));
  for (const [index, place] of layout.args.entries()) {
    if (place.in === 'memory') put(place.address, addressBytes(values[index]!));
    else put(place, values[index]!);
  }
  function put(place: DirectLocation, value: Uint8Array): void {
    if (place.in === 'stack') {
      probe.stacked.set(value, place.offset);
      return;
    }
    for (const { bank, index, offset, size } of place.pieces)
      bytes.set(value.subarray(offset, offset + size), 8 * (word[bank] + index));
  }

  const inMemory = result.kind === 'void' ? new Uint8Array(8) : new Uint8Array(sizeOf(result));
  if (layout.result.in === 'memory') words[word.general + layout.result.address] = addressOf(inMemory);
  if (variadicFrom !== undefined) words[word.vectors] = BigInt(layout.registers.vector);
  words[word.entry] = entry;
  words[word.stack] = probe.stackedAt;
  words[word.stackWords] = BigInt(2 * Math.ceil(layout.stackSize / 16));
  const expected = result.kind === 'void' ? new Uint8Array() : randomValue(random, result);
  probe.returned.set(expected);

  probe.call(addressOf(words));

  for (const [index, at] of places(args.map(({ type }) => type)).entries()) {
    assertSame(
      args[index]!.type,
      { seen: probe.seen.subarray(at), expected: values[index]! },
      `${text}: ${index}`,
    );
  }
  if (result.kind === 'void') return;
  const returned = layout.result.in === 'memory' ? inMemory : new Uint8Array(sizeOf(result));
  // If the address is an ordinary argument, the function returns it: x86-64 psABI, section 3.2.3.
  if (layout.result.in === 'memory' && layout.result.address === 0)
    assert.equal(words[word.generalResults], addressOf(inMemory), text);
  if (layout.result.in === 'registers') {
    for (const { bank, index, offset, size } of layout.result.pieces) {
      const at = 8 * (resultWord[bank] + index);
      returned.set(bytes.subarray(at, at + size), offset);
    }
  }
  assertSame(result, { seen: returned, expected }, `${text}: result`);
}

/** Returns the address of bytes as an 8-byte value. */
function addressBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(BigUint64Array.of(addressOf(bytes)).buffer);
}

/** Returns random bytes, with `bool` 0 or 1. */
function randomValue(random: Random, type: FieldType): Uint8Array<ArrayBuffer> {
  const value = random.bytes(sizeOf(type));
  eachScalar(type, (scalar, offset) => {
    if (scalar.kind === 'integer' && scalar.js === 'boolean') value[offset]! &= 1;
  });
  return value;
}

/** Compares all scalars. Padding may differ. */
function assertSame(
  type: FieldType,
  { seen, expected }: { seen: Uint8Array; expected: Uint8Array },
  message: string,
): void {
  eachScalar(type, (scalar, offset) => {
    const end = offset + sizeOf(scalar);
    assert.deepEqual([...seen.subarray(offset, end)], [...expected.subarray(offset, end)], message);
  });
}
