/**
 * The thread that traces: it waits for every child of the supervisor and every traced thread, handles faults at
 * slow objects, and passes everything else on as if nobody had looked.
 *
 * It sits in `waitpid`. What wakes it is a process that does nothing: stopping that is a change of a child like
 * any other, and is kept until it is seen.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { registerNames } from '../abi/contexts.js';
import { __WALL, type Change, kill, threadId, WNOHANG, WUNTRACED, waitForChange } from '../linux/children.js';
import { ring } from '../linux/descriptors.js';
import { thisMachine } from '../linux/host.js';
import { MappingQuery } from '../linux/mapping-query.js';
import { pageSize } from '../linux/memory.js';
import { threadStatus, threadsOf } from '../linux/proc.js';
import { detach, event, eventMessage, listen, proceed, seize } from '../linux/ptrace.js';
import { SIGCONT, SIGSEGV, SIGSTOP, stopSignals } from '../linux/signal.js';
import { Faults } from './faults.js';
import type { Attached, FromTracer, ToTracer, TracerData } from './messages.js';
import { Proximity } from './proximity.js';
import { Reports } from './reports.js';
import { Rules } from './rules.js';
import { startSleeper } from './sleeper.js';
import { addTypes } from './types/index.js';

const stopping = [SIGSTOP, ...stopSignals];

/** Times to look before waiting: some fifty microseconds. */
const awake = 100;

const { port, bell, ...setting } = workerData as TracerData;
const machine = thisMachine();
const surroundings = { machine, names: registerNames(machine.registerFile), pageSize: pageSize() };
const reports = new Reports(machine, setting);

const self = threadId();
/** Traced threads, by the process that they belong to. */
const threads = new Map<number, number>();
/** Those that are stopped with their process. */
const listening = new Set<number>();
/** The mappings of traced processes. */
const mappings = new Map<number, MappingQuery>();
const proximity = new Proximity();

await addTypes(setting.types);
const faults = new Faults(surroundings, new Rules(setting.policy), {
  refused: (tid, address, reason) => reports.refused(tid, address, reason),
  learn: hear,
});
const sleeper = startSleeper();
tellMain({ kind: 'ready', tid: self, wake: sleeper });
for (;;) see(nextChange());

function nextChange(): Change {
  // Not with WCONTINUED: a traced process's parent would never hear that it goes on.
  const flags = __WALL | WUNTRACED;
  for (let turn = 0; proximity.isEager && turn < awake; turn++) {
    const change = waitForChange(flags | WNOHANG);
    if (change !== undefined) return change;
  }
  proximity.isEager = false;
  return waitForChange(flags)!;
}

function see(change: Change): void {
  const { pid: tid } = change;
  if (tid === sleeper) {
    if (change.kind !== 'stopped') throw new Error('somebody killed the process that wakes the tracer');
    // First this, then what there is to hear: what comes later stops it again.
    kill(sleeper, SIGCONT);
    hear();
  } else if (change.kind === 'stopped' && (threads.has(tid) || change.event !== 0)) {
    stopped(tid, change.signal, change.event);
  } else {
    if (change.kind === 'exited' || change.kind === 'killed') forget(tid);
    tellMain({ kind: 'change', change });
  }
}

function stopped(tid: number, signal: number, why: number): void {
  if (why === 0) {
    const passOn = signal !== SIGSEGV || !isInvocation(tid);
    proceed(tid, passOn ? signal : 0);
  } else if (why === event.stop) {
    remember(tid);
    if (stopping.includes(signal)) {
      listen(tid);
      listening.add(tid);
      tellMain({ kind: 'change', change: { kind: 'stopped', pid: tid, signal, event: 0 } });
    } else {
      if (listening.delete(tid)) tellMain({ kind: 'continued', pid: tid });
      proceed(tid);
    }
  } else if (why === event.exec) {
    executed(tid);
  } else {
    proceed(tid);
  }
}

/** Slow objects are gone with the memory that they were mapped in. */
function executed(pid: number): void {
  const former = eventMessage(pid);
  if (former !== pid) threads.delete(former);
  forget(pid);
  detach(pid);
}

function isInvocation(tid: number): boolean {
  const pid = threads.get(tid) ?? tid;
  let query = mappings.get(pid);
  try {
    if (query === undefined) {
      // By the thread: the process's first one may have ended.
      query = new MappingQuery(tid);
      mappings.set(pid, query);
    }
    const done = faults.handle({ tid, mappings: query });
    if (done) proximity.invoked(tid);
    return done;
  } catch {
    return false; // the process is going
  }
}

function remember(tid: number): void {
  if (!threads.has(tid)) threads.set(tid, threadStatus(tid)?.pid ?? tid);
}

function forget(tid: number): void {
  const pid = threads.get(tid) ?? tid;
  threads.delete(tid);
  listening.delete(tid);
  // The first thread is the last to be told of, unless it had ended before we came.
  if (tid !== pid && (threads.has(pid) || isTraced(pid))) return;
  mappings.get(pid)?.close();
  mappings.delete(pid);
}

/** Whether any thread of a process is traced. */
function isTraced(pid: number): boolean {
  for (const process of threads.values()) if (process === pid) return true;
  return false;
}

function hear(): void {
  for (;;) {
    const received = receiveMessageOnPort(port) as { message: ToTracer } | undefined;
    if (received === undefined) return;
    const { message } = received;
    if (message.kind === 'object') faults.add(message);
    else if (message.kind === 'gone') faults.remove(message.file);
    else answer(message.ticket, attach(message.tid));
  }
}

function answer(ticket: number, refusal: string | undefined): void {
  port.postMessage({ ticket, refusal } satisfies Attached);
  ring(bell);
}

/** Attaches to all threads of a process, also to those that begin meanwhile. @returns why not, if not */
function attach(tid: number): string | undefined {
  const pid = threadStatus(tid)?.pid;
  if (pid === undefined) return 'it is gone';
  for (let found = true; found; ) {
    found = false;
    for (const thread of threadsOf(pid)) {
      if (threads.has(thread)) continue;
      try {
        if (!seize(thread)) continue;
      } catch (error) {
        const status = threadStatus(thread);
        if (status === undefined || status.ended) continue;
        // One that we trace may have started it, and then we do so already.
        if (status.tracer !== self) return (error as Error).message;
      }
      threads.set(thread, pid);
      found = true;
    }
  }
  return undefined;
}

function tellMain(message: FromTracer): void {
  parentPort!.postMessage(message);
}
