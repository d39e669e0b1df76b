/** What programs may ask for, as a file says it. Read only where there is one: zod takes long to load. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { TrampfdError } from '../../core/errors.js';
import { fromNodeError } from '../../native/errno.js';
import { openPolicyLibrary } from './policy-libraries.js';

const typeNames = ['user', 'table', 'code', 'handler'] as const;

export const policySchema = z.strictObject({
  types: z.array(z.enum(typeNames)).optional().describe('Types of objects that may be made. Default: all.'),
  modes: z
    .array(z.enum(['fast', 'slow']))
    .optional()
    .describe('Whether objects may have code. Default: both.'),
  objects: z.int().nonnegative().optional().describe('The most objects that may be alive at once.'),
  demandAllowedPcs: z
    .boolean()
    .optional()
    .describe('Registers can only be set when allowed PCs are. Forbids the types table and code.'),
  libraries: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Files that targets must lie in, as executable mappings of the program. Forbids the types table and code.',
    ),
  noexec: z
    .array(z.string().min(1))
    .optional()
    .describe('Folders from which the program can map nothing executable. Needs a mount namespace.'),
});

/** A policy, as its file has it or, when it is in force, with its libraries opened. */
export type Policy = z.infer<typeof policySchema>;

/** Reads a policy, and opens the libraries that it names. @throws TrampfdError that tells what is wrong */
export function readPolicy(file: string): Policy {
  const policyError = (reason: string) =>
    new TrampfdError(`Cannot apply the policy ${file}: ${reason}`, { code: 'ERR_TRAMPFD_POLICY' });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fromNodeError(`read the policy ${file}`, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw policyError((error as Error).message);
  }
  const parsed = policySchema.safeParse(value);
  if (!parsed.success) throw policyError(z.prettifyError(parsed.error).replaceAll('\n', ' '));
  const policy = parsed.data;
  // What a policy names, it names as seen from where it lies.
  const resolvePaths = (paths: readonly string[] | undefined) =>
    paths?.map((name) => resolve(dirname(file), name));
  const [libraries, noexec] = [
    resolvePaths(policy.libraries)?.map(openPolicyLibrary),
    resolvePaths(policy.noexec),
  ];
  return { ...policy, ...(libraries && { libraries }), ...(noexec && { noexec }) };
}
