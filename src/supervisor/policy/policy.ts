/** Policy files. Loaded only if a policy is used, since zod loads slowly. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { TrampfdError } from '../../core/errors.js';
import { fromNodeError } from '../../native/errno.js';
import { openPolicyLibrary } from './policy-libraries.js';

const typeNames = ['user', 'table', 'code', 'handler'] as const;

export const policySchema = z.strictObject({
  types: z
    .array(z.enum(typeNames))
    .optional()
    .describe('Object types that programs may create. Default: all.'),
  modes: z
    .array(z.enum(['fast', 'slow']))
    .optional()
    .describe('Modes of objects that programs may create. Default: both.'),
  objects: z.int().nonnegative().optional().describe('Maximum number of objects alive at once.'),
  demandAllowedPcs: z
    .boolean()
    .optional()
    .describe('Registers can be set only after allowed PCs. Forbids the types table and code.'),
  libraries: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Files that targets must be in, as executable mappings of the program. Forbids the types table and code.',
    ),
  noexec: z
    .array(z.string().min(1))
    .optional()
    .describe('Directories whose files cannot be mapped executable. Needs a mount namespace.'),
});

/** A policy as in its file; {@link readPolicy} replaces the libraries' paths with keys of the opened files. */
export type Policy = z.infer<typeof policySchema>;

/** Reads a policy and opens its libraries. @throws TrampfdError if the file cannot be read or is not valid */
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
  // Paths are relative to the policy file.
  const resolvePaths = (paths: readonly string[] | undefined) =>
    paths?.map((name) => resolve(dirname(file), name));
  const [libraries, noexec] = [
    resolvePaths(policy.libraries)?.map(openPolicyLibrary),
    resolvePaths(policy.noexec),
  ];
  return { ...policy, ...(libraries && { libraries }), ...(noexec && { noexec }) };
}
