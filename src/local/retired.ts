/**
 * Where the bodies of atomic trampolines wait after they were replaced. Another thread may have read the
 * selector just before and stand anywhere in the old body, and nothing tells when it has left. So a body is
 * taken again only when many others were retired after it *and* it is old: a thread that stands still for
 * longer than that, between two instructions, could see a mix.
 *
 * Bodies are told by a number of 32 bits.
 */
const batchSize = 1024;
/** Batches that must be full before the oldest is reused: 65,536 bodies. */
const batchesKept = 64;
/** Milliseconds that must have passed: longer than a loaded scheduler keeps a runnable thread waiting. */
const leastAge = 1000;

export class Retired {
  readonly #recycle: (body: number) => void;
  readonly #batches: { readonly bodies: Uint32Array<ArrayBuffer>; readonly since: number }[] = [];
  /** Made when it is needed: most owners never replace a body. */
  #bodies: Uint32Array<ArrayBuffer> | undefined;
  #count = 0;

  /** @param recycle lets a body be taken again */
  constructor(recycle: (body: number) => void) {
    this.#recycle = recycle;
  }

  add(body: number): void {
    this.#bodies ??= new Uint32Array(batchSize);
    this.#bodies[this.#count++] = body;
    if (this.#count < batchSize) return;
    const now = performance.now();
    this.#batches.push({ bodies: this.#bodies, since: now });
    this.#bodies = undefined;
    this.#count = 0;
    // Two for one, so that what a burst has left behind comes back.
    for (let turn = 0; turn < 2 && this.#batches.length > batchesKept; turn++) {
      const { bodies, since } = this.#batches[0]!;
      if (now - since <= leastAge) break;
      this.#batches.shift();
      for (const body of bodies) this.#recycle(body);
    }
  }
}
