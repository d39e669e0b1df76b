/** Parses names of restrictions on the command line. */
import { InvalidArgumentError } from 'commander';
import { type RestrictionName, restrictionNames } from '../launcher/restrictions.js';

/** Parses names separated by commas, and appends them to those of earlier occurrences of the option. */
export function parseRestrictions(text: string, previous: readonly RestrictionName[]): RestrictionName[] {
  const names = text.split(',').map((name) => {
    const match = restrictionNames.find((known) => known === name);
    if (match === undefined)
      throw new InvalidArgumentError(`Restrictions are ${restrictionNames.join(', ')}.`);
    return match;
  });
  return [...previous, ...names];
}
