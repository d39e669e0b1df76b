/** Schema of the output of `trampfd doctor --json`. The build writes it to the package as a JSON schema. */
import * as z from 'zod';
import type { Diagnosis } from './diagnosis.js';

export type { Diagnosis, MethodDiagnosis, SystemReport } from './diagnosis.js';

const methodDiagnosis = z.discriminatedUnion('works', [
  z.object({ works: z.literal(true) }),
  z.object({
    works: z.literal(false),
    refusedBy: z.string().describe('the rule or component that refuses it'),
    syscall: z.string().nullable().describe('the system call that failed'),
    errno: z.string().nullable().describe('its errno, by name'),
    fix: z.string().nullable().describe('the line to change, or the command to run'),
    inferred: z.boolean().describe('whether refusedBy is a conclusion that no test confirms'),
    message: z.string().describe('the message of the error'),
  }),
]);

const feature = z.boolean();

export const diagnosisSchema = z.object({
  restrictions: z.array(z.string()).describe('restrictions applied for this diagnosis'),
  methods: z.object({
    memfd: methodDiagnosis,
    template: methodDiagnosis,
    file: methodDiagnosis,
    trampfd: methodDiagnosis,
    rwx: methodDiagnosis,
    remap: methodDiagnosis,
  }),
  system: z.object({
    kernel: z.string(),
    architecture: z.string(),
    pageSize: z.int(),
    node: z.string(),
    nodeNeedsJitless: z.boolean().describe('whether Node can only run with --jitless'),
    fastCalls: z
      .union([
        z.object({ works: z.literal(true) }),
        z.object({ works: z.literal(false), message: z.string() }),
      ])
      .describe('whether native functions can be fast'),
    mdwe: z.boolean(),
    seccomp: z.enum(['none', 'strict', 'filter']),
    selinux: z.enum(['absent', 'permissive', 'enforcing']),
    lockdown: z.string().nullable(),
    memfdNoexec: z.int().nullable().describe('vm.memfd_noexec'),
    temporaryFolder: z.object({ path: z.string(), mount: z.string(), noexec: z.boolean() }),
    packageFolder: z.object({ path: z.string(), mount: z.string(), noexec: z.boolean() }),
    yama: z.int().nullable().describe('kernel.yama.ptrace_scope'),
    features: z.object({
      mseal: feature,
      mdwe: feature,
      memfdNoexecSeal: feature,
      seccompNotification: feature,
      procmapQuery: feature,
      userNamespaces: feature,
    }),
    landingPads: z.boolean().describe('whether the processor checks the targets of indirect branches'),
    shadowStacks: z.boolean().describe('whether processor and kernel support shadow stacks for programs'),
  }),
});

/** Does not compile if the schema and the declared types differ. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Flat<T> = T extends object ? { [Name in keyof T]: Flat<T[Name]> } : T;
true satisfies Same<Flat<z.infer<typeof diagnosisSchema>>, Flat<Diagnosis>>;
