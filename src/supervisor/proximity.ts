/**
 * How the tracer meets a thread that invokes again and again. A stop wakes the tracer, which wakes the stopped thread,
 * and to wake another processor takes longer than all that is done for an invocation. Where a processor is to spare,
 * the tracer stays awake for the next stop; where none is, it follows the thread to its processor. For anybody else
 * it runs wherever there is room.
 */
import { availableParallelism } from 'node:os';
import { lastProcessor, runnable, runOn } from '../linux/affinity.js';

/** Invocations in a row before it does either, and before it looks again. */
const patience = 64;

export class Proximity {
  #thread = 0;
  #row = 0;
  #processor: number | undefined;
  /** Whether to stay awake. */
  isEager = false;

  /** A thread invokes. */
  invoked(tid: number): void {
    if (tid !== this.#thread) {
      this.#thread = tid;
      this.#row = 0;
      this.isEager = false;
      this.#follow(undefined);
    }
    if (++this.#row % patience !== 0) return;
    this.isEager = runnable() <= availableParallelism();
    this.#follow(this.isEager ? undefined : lastProcessor(tid));
  }

  #follow(processor: number | undefined): void {
    if (processor === this.#processor) return;
    this.#processor = processor;
    runOn(processor);
  }
}
