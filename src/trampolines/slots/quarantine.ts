/**
 * Delays the reuse of bodies that were replaced. Another thread may still be executing the old body, and there is no
 * way to know when it leaves. So a body is reused only after many others were retired *and* some time has passed.
 * A thread that is suspended in the body for longer than that could see a mix of values.
 *
 * Bodies are identified by u32 ids.
 */
const batchSize = 1024;
/** The oldest batch is reused only if there are more than this: 65,536 bodies. */
const minBatches = 64;
/** Min age of a batch for reuse: longer than a loaded scheduler delays a runnable thread. */
const minAgeMs = 1000;

export class Quarantine {
  readonly #makeReusable: (body: number) => void;
  readonly #batches: { readonly bodies: Uint32Array<ArrayBuffer>; readonly filledAtMs: number }[] = [];
  /** Created lazily: most owners never replace a body. */
  #currentBatch: Uint32Array<ArrayBuffer> | undefined;
  #currentCount = 0;

  /** @param makeReusable allows a body to be allocated again */
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
    // Up to two batches out per batch in, so that a backlog shrinks.
    for (let reclaimed = 0; reclaimed < 2 && this.#batches.length > minBatches; reclaimed++) {
      const { bodies, filledAtMs } = this.#batches[0]!;
      if (now - filledAtMs <= minAgeMs) break;
      this.#batches.shift();
      for (const body of bodies) this.#makeReusable(body);
    }
  }
}
