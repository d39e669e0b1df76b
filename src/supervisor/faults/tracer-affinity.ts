/**
 * Scheduling heuristic for a thread that invokes repeatedly. Each stop wakes the tracer, which wakes the stopped
 * thread, and a wake-up across CPUs costs more than handling the fault. If a CPU is idle, the tracer spins until the
 * next stop; otherwise it pins itself to the traced thread's CPU. When another thread invokes, it does neither.
 */
import { availableParallelism } from 'node:os';
import { lastCpu, runnableThreads, setAffinity } from '../../linux/process/affinity.js';

/** Consecutive invocations of one thread before each decision. */
const reviewInterval = 64;

export class TracerAffinity {
  #tid = 0;
  #streak = 0;
  #cpu: number | undefined;
  /** Whether to poll before blocking. */
  shouldSpin = false;

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
