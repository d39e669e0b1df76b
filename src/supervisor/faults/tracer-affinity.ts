/**
 * How the tracer meets a thread that invokes again and again. A stop wakes the tracer, which wakes the stopped thread,
 * and to wake another processor takes longer than all that is done for an invocation. Where a processor is to spare,
 * the tracer stays awake for the next stop; where none is, it follows the thread to its processor. For anybody else
 * it runs wherever there is room.
 */
import { availableParallelism } from 'node:os';
import { lastCpu, runnableThreads, setAffinity } from '../../linux/process/affinity.js';

/** Invocations in a row before it does either, and before it looks again. */
const reviewInterval = 64;

export class TracerAffinity {
  #tid = 0;
  #streak = 0;
  #cpu: number | undefined;
  /** Whether to stay awake. */
  shouldSpin = false;

  /** A thread invokes. */
  onInvocation(tid: number): void {
    if (tid !== this.#tid) {
      this.#tid = tid;
      this.#streak = 0;
      this.shouldSpin = false;
      this.#pinTo(undefined);
    }
    if (++this.#streak % reviewInterval !== 0) return;
    this.shouldSpin = runnableThreads() <= availableParallelism();
    this.#pinTo(this.shouldSpin ? undefined : lastCpu(tid));
  }

  #pinTo(cpu: number | undefined): void {
    if (cpu === this.#cpu) return;
    this.#cpu = cpu;
    setAffinity(cpu);
  }
}
