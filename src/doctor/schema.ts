/** The shape of a diagnosis, as `trampfd doctor --json` prints it. The build publishes it as a JSON schema. */
import * as z from 'zod';
import type { Diagnosis } from './diagnosis.js';

export type { Diagnosis, MethodDiagnosis, SystemReport } from './diagnosis.js';

const methodDiagnosis = z.discriminatedUnion('works', [
  z.object({ works: z.literal(true) }),
  z.object({
    works: z.literal(false),
    refusedBy: z.string().describe('who forbids it'),
    syscall: z.string().nullable().describe('the system call that was refused'),
    errno: z.string().nullable().describe('its error, by name'),
    fix: z.string().nullable().describe('the line to change, or the command'),
    inferred: z.boolean().describe('whether who refuses is a conclusion from the signs, not seen to be so'),
    message: z.string().describe('the error as a program meets it'),
  }),
]);

const feature = z.boolean();

export const diagnosisSchema = z.object({
  restrictions: z.array(z.string()).describe('restrictions that were applied for this diagnosis'),
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
    landingPads: z.boolean().describe('whether the processor checks where indirect branches arrive'),
    shadowStacks: z.boolean().describe('whether processor and kernel have shadow stacks for programs'),
  }),
});

/** Fails to compile where the schema and the written types differ. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Flat<T> = T extends object ? { [Name in keyof T]: Flat<T[Name]> } : T;
true satisfies Same<Flat<z.infer<typeof diagnosisSchema>>, Flat<Diagnosis>>;
