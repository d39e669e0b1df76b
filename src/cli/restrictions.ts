/** Names of restrictions on the command line. */
import { InvalidArgumentError } from 'commander';
import { type RestrictionName, restrictionNames } from '../linux/restrictions.js';

/** Several with commas between them, added to those of the same option before. */
export function restrictions(text: string, before: readonly RestrictionName[]): RestrictionName[] {
  const names = text.split(',').map((name) => {
    const found = restrictionNames.find((known) => known === name);
    if (found === undefined)
      throw new InvalidArgumentError(`Restrictions are ${restrictionNames.join(', ')}.`);
    return found;
  });
  return [...before, ...names];
}
