/** Code other than a table of slots. */
export interface NamedCode {
  /** Key of the code for code page methods. */
  readonly key: string;
  readonly bytes: Uint8Array;
}
