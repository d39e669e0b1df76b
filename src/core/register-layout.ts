/** The sets of registers that callers name. They are cached: many trampolines load the same registers. */
import { limits } from './limits.js';
import { type RegisterFile, registerNumber } from './registers.js';

export interface RegisterLayout {
  /** In the order of the caller, the PC included. */
  readonly names: readonly string[];
  /** Index of the data word of each name: 0 for the PC, then the others by ascending register number. */
  readonly wordIndexes: readonly number[];
  /** Shape of trampolines that load these registers and write no stack data. */
  readonly shape: { readonly registers: readonly number[]; readonly stack: undefined };
}

const layoutsByFile = new WeakMap<RegisterFile, Map<string, RegisterLayout>>();
let lastLayout: RegisterLayout | undefined;
let lastFile: RegisterFile | undefined;

/**
 * Returns the layout of the named registers.
 * @param subject names them in errors
 * @throws TypeError, RangeError for unknown or duplicate names, too many of them, or if the PC is missing
 */
export function registerLayout(
  registerFile: RegisterFile,
  names: readonly string[],
  subject: string,
): RegisterLayout {
  if (lastFile === registerFile && hasNames(lastLayout!, names)) return lastLayout!;
  let layouts = layoutsByFile.get(registerFile);
  if (layouts === undefined) {
    layouts = new Map();
    layoutsByFile.set(registerFile, layouts);
  }
  const key = names.join();
  const cached = layouts.get(key);
  // Compared, since a name of no register may contain a comma.
  const layout =
    cached !== undefined && hasNames(cached, names) ? cached : createLayout(registerFile, names, subject);
  layouts.set(key, layout);
  lastLayout = layout;
  lastFile = registerFile;
  return layout;
}

function hasNames(layout: RegisterLayout, names: readonly string[]): boolean {
  if (layout.names.length !== names.length) return false;
  for (let index = 0; index < names.length; index++) if (layout.names[index] !== names[index]) return false;
  return true;
}

function createLayout(registerFile: RegisterFile, names: readonly string[], subject: string): RegisterLayout {
  const pcNumber = registerNumber(registerFile, 'pc');
  const numbers: number[] = [];
  for (const name of names) {
    const number = registerNumber(registerFile, name);
    const previous = numbers.indexOf(number);
    if (previous >= 0)
      throw new RangeError(`${subject}: "${names[previous]}" and "${name}" are the same register`);
    numbers.push(number);
  }
  if (numbers.length > limits.registers) {
    throw new RangeError(
      `${subject} sets ${numbers.length} registers; at most ${limits.registers} are possible`,
    );
  }
  if (!numbers.includes(pcNumber)) throw new TypeError(`${subject} must set pc: the address to jump to`);
  const registers = numbers.filter((number) => number !== pcNumber).sort((a, b) => a - b);
  return {
    names: [...names],
    wordIndexes: numbers.map((number) => 1 + registers.indexOf(number)),
    shape: Object.freeze({ registers: Object.freeze(registers), stack: undefined }),
  };
}
