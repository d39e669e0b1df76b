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
const minBatches = 64;
/** Milliseconds that must have passed: longer than a loaded scheduler keeps a runnable thread waiting. */
const minAgeMs = 1000;

export class Quarantine {
  readonly #makeReusable: (body: number) => void;
  readonly #batches: { readonly bodies: Uint32Array<ArrayBuffer>; readonly filledAtMs: number }[] = [];
  /** Made when it is needed: most owners never replace a body. */
  #currentBatch: Uint32Array<ArrayBuffer> | undefined;
  #currentCount = 0;

  /** @param makeReusable lets a body be taken again */
  constructor(makeReusable: (body: number) => void) {
    this.#makeReusable = makeReusable;
  }

  add(body: number): void {
    this.#currentBatch ??= new Uint32Array(batchSize);
    this.#currentBatch[this.#currentCount++] = body;
    if (this.#currentCount < batchSize) return;
    const now = performance.now();
    this.#batches.push({ bodies: this.#currentBatch, filledAtMs: now });
    this.#currentBatch = undefined;
    this.#currentCount = 0;
    // Two for one, so that what a burst has left behind comes back.
    for (let reclaimed = 0; reclaimed < 2 && this.#batches.length > minBatches; reclaimed++) {
      const { bodies, filledAtMs } = this.#batches[0]!;
      if (now - filledAtMs <= minAgeMs) break;
      this.#batches.shift();
      for (const body of bodies) this.#makeReusable(body);
    }
  }
}
