/**
 * Where the tracer runs. A stop wakes it, it wakes the stopped thread, and on two processors each has to wake the
 * other's: that takes longer than all that is done for an invocation. So the tracer follows a thread that invokes
 * again and again to its processor. For anybody else it runs wherever there is room.
 */
import { lastProcessor, runOn } from '../linux/affinity.js';

/** Invocations in a row before it follows, and before it looks again. */
const patience = 64;

export class Proximity {
  #thread = 0;
  #row = 0;
  #processor: number | undefined;

  /** A thread invokes. */
  invoked(tid: number): void {
    if (tid !== this.#thread) {
      this.#thread = tid;
      this.#row = 0;
      this.#follow(undefined);
    }
    if (++this.#row % patience === 0) this.#follow(lastProcessor(tid));
  }

  #follow(processor: number | undefined): void {
    if (processor === this.#processor) return;
    this.#processor = processor;
    runOn(processor);
  }
}
