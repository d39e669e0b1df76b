/** The value that C gets if the function of a callback throws. */
import { callRecord } from '../machine/glue-layout.js';
import type { GlueState } from './glue-instance.js';
import type { Marshaller } from './marshal.js';
import { snapshotValue } from './marshal-struct.js';
import { resultsOffset, type ValueLocation } from './value-locations.js';

export interface MarshalContext {
  readonly state: GlueState;
  readonly marshaller: Marshaller;
}

/** Returns the part of a call record from `results` on, with the error result in it: the bytes of a returned value, or zeros. */
export function encodeErrorResult(
  location: ValueLocation | undefined,
  value: unknown,
  { state, marshaller }: MarshalContext,
  resultSize: number,
): Uint8Array {
  if (location === undefined && value !== undefined) {
    throw new TypeError('errorResult needs a prototype that does not return void');
  }
  const errorLocation =
    location === undefined || value === undefined ? undefined : { ...location, subject: 'errorResult' };
  const snapshot = errorLocation === undefined ? undefined : snapshotValue(errorLocation, value);
  const length = callRecord.stack - callRecord.results + resultSize;
  const bytes = state.bytes.subarray(resultsOffset, resultsOffset + length).fill(0);
  if (errorLocation !== undefined) marshaller.write(errorLocation, snapshot);
  return bytes.slice();
}
