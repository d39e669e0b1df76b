import { describeType } from '../core/validate.js';

/** Throws if a value is not text that C can receive. */
export function assertText(
  value: unknown,
  name: string,
  { allowEmpty = false } = {},
): asserts value is string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${describeType(value)}`);
  if (!allowEmpty && value === '') throw new RangeError(`${name} is empty`);
  if (value.includes('\0')) throw new RangeError(`${name} contains a NUL character, where C would end it`);
}
