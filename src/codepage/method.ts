/**
 * How executable bytes come into being. The contract of every method, in a nutshell:
 *
 * 1. `prepare` takes finished code once, and keeps it where nobody can change it, as far as the method can.
 * 2. `mapAt` puts that code at an address of reserved memory, executable and not writable, any number of times.
 *
 * What exactly each method guarantees stands with it.
 */
export type CodePageMethodName = 'memfd';

export interface CodePageMethod {
  readonly name: CodePageMethodName;
  /**
   * Takes code to be mapped.
   * @param bytes whole pages
   * @param label what the mappings should be called in `/proc/PID/maps`, where the method can
   * @throws TrampfdError when the system refuses
   */
  prepare(bytes: Uint8Array, label: string): PreparedCode;
}

export interface PreparedCode {
  /** Replaces reserved memory at `address` by the code. */
  mapAt(address: bigint): void;
}
