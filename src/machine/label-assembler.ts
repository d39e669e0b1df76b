/** Base of the assemblers of all architectures: a list of bytes, labels, and distances to them. */

/** A place in the code or near it, known to one assembler. */
export interface Label {
  readonly label: symbol;
}

/** A place in the code where the distance to a label is stored. */
export interface Fixup {
  /** Position of the distance, or of the instruction that contains it. */
  readonly offset: number;
  /** Bytes after the label. */
  readonly addend: number;
  readonly target: Label;
}

export abstract class LabelAssembler<F extends Fixup> {
  protected readonly bytes: number[] = [];
  readonly #positions = new Map<Label, number>();
  readonly #fixups: F[] = [];

  /** Bytes written so far. */
  get position(): number {
    return this.bytes.length;
  }

  /** All distances to labels, in the order of the code. */
  get fixups(): readonly F[] {
    return this.#fixups;
  }

  /** Returns a new label at `position`, which may be outside the code. Without a position, `bind` sets it. */
  label(position?: number): Label {
    const label = { label: Symbol() };
    if (position !== undefined) this.#positions.set(label, position);
    return label;
  }

  /** Sets a label's position to the current one. */
  bind(label: Label): void {
    this.#positions.set(label, this.position);
  }

  /** Appends bytes that are not code. */
  data(bytes: Uint8Array): void {
    this.bytes.push(...bytes);
  }

  /** Appends traps up to a position. */
  abstract padTo(position: number): void;

  /** Returns the base of a distance: the position that it is relative to. */
  protected abstract baseOf(fixup: F): number;

  /** Reads the distance at a fixup, or at a copy of it at `offset`. */
  abstract readDistance(view: DataView, fixup: F, offset?: number): number;

  /** Writes the distance at a fixup, or at a copy of it at `offset`. Throws a RangeError if it does not fit. */
  abstract writeDistance(view: DataView, fixup: F, distance: number, offset?: number): void;

  protected addFixup(fixup: F): void {
    this.#fixups.push(fixup);
  }

  /**
   * Returns the code with all distances, padded with traps to `length`. Throws if a label is unbound or out of reach,
   * or if the code is longer.
   */
  finish(length = this.position): Uint8Array {
    this.padTo(length);
    if (this.position > length)
      throw new RangeError(`code of ${this.position} bytes exceeds ${length} bytes`);
    const bytes = Uint8Array.from(this.bytes);
    const view = new DataView(bytes.buffer);
    for (const fixup of this.#fixups) {
      const position = this.#positions.get(fixup.target);
      if (position === undefined) throw new Error('a label was used and never bound');
      this.writeDistance(view, fixup, position + fixup.addend - this.baseOf(fixup));
    }
    return bytes;
  }
}

/** The error for a distance that its field cannot hold. */
export function outOfReach(distance: number): RangeError {
  return new RangeError(`a label is ${distance} bytes away, out of reach`);
}
