/**
 * Finds out which code page methods a system allows, and who forbids the others.
 * @module trampfd/diagnose
 */
export type { CodeSource } from './codepage/code-page-method.js';
export { type DiagnoseOptions, diagnose } from './doctor/diagnose.js';
export type {
  Diagnosis,
  FolderReport,
  MethodDiagnosis,
  RefusedMethod,
  SystemReport,
  WorkingMethod,
} from './doctor/diagnosis.js';
export type { RestrictionName } from './launcher/restrictions.js';
