/**
 * The thread that traces: it waits for every child of the supervisor and every traced thread, handles faults at
 * slow objects, and passes everything else on as if nobody had looked.
 *
 * It sits in `waitpid`. What wakes it is a process that does nothing: stopping that is a change of a child like
 * any other, and is kept until it is seen.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { registerNumbersOf } from '../../abi/decode-contexts.js';
import { wakeEventfd } from '../../linux/fs/fds.js';
import { pageSize } from '../../linux/mm/memory.js';
import { threadStatus, threadsOf } from '../../linux/process/proc.js';
import {
  __WALL,
  gettid,
  kill,
  type WaitStatus,
  WNOHANG,
  WUNTRACED,
  waitpid,
} from '../../linux/process/processes.js';
import { MappingQuery } from '../../linux/process/procmap-query.js';
import { cont, detach, getEventMessage, listen, PTRACE_EVENT, seize } from '../../linux/process/ptrace.js';
import { SIGCONT, SIGSEGV, SIGSTOP, stopSignals } from '../../linux/process/signal.js';
import { hostMachine } from '../../native/host.js';
import type { AttachResult, SyscallToTracer, TracerData, TracerToMain } from '../messages.js';
import { addTypes } from '../objects/types/index.js';
import { EventLog } from '../policy/event-log.js';
import { PolicyEnforcer } from '../policy/policy-enforcer.js';
import { spawnIdleProcess } from '../process/idle-process.js';
import { SlowFaultHandler } from './slow-faults.js';
import { TracerAffinity } from './tracer-affinity.js';

const groupStopSignals = [SIGSTOP, ...stopSignals];

/** Times to look before waiting: some fifty microseconds. */
const spinLimit = 100;

const { port, wakeFd, ...config } = workerData as TracerData;
const machine = hostMachine();
const targetInfo = {
  machine,
  registerNumbers: registerNumbersOf(machine.registerFile),
  pageSize: pageSize(),
};
const eventLog = new EventLog(machine, config);

const tracerTid = gettid();
/** Traced threads, by the process that they belong to. */
const tracedThreads = new Map<number, number>();
/** Those that are stopped with their process. */
const groupStopped = new Set<number>();
/** The mappings of traced processes. */
const mappingQueries = new Map<number, MappingQuery>();
const affinity = new TracerAffinity();

const faultHandler = new SlowFaultHandler(targetInfo, new PolicyEnforcer(config.policy), {
  onRejected: (tid, address, reason) => eventLog.logRejectedInvocation(tid, address, reason),
  refreshObjects: processMessages,
});
/** The process whose stops wake this thread. */
let idlePid = 0;
void trace();

async function trace(): Promise<never> {
  await addTypes(config.typeModules);
  idlePid = spawnIdleProcess();
  postToMain({ kind: 'ready', tid: tracerTid, wakePid: idlePid });
  for (;;) handleWaitStatus(nextWaitStatus());
}

function nextWaitStatus(): WaitStatus {
  // Not with WCONTINUED: a traced process's parent would never hear that it goes on.
  const flags = __WALL | WUNTRACED;
  for (let spins = 0; affinity.shouldSpin && spins < spinLimit; spins++) {
    const waitStatus = waitpid(flags | WNOHANG);
    if (waitStatus !== undefined) return waitStatus;
  }
  affinity.shouldSpin = false;
  return waitpid(flags)!;
}

function handleWaitStatus(waitStatus: WaitStatus): void {
  const { pid: tid } = waitStatus;
  if (tid === idlePid) {
    if (waitStatus.kind !== 'stopped') throw new Error('somebody killed the process that wakes the tracer');
    // First this, then what there is to hear: what comes later stops it again.
    kill(idlePid, SIGCONT);
    processMessages();
  } else if (waitStatus.kind === 'stopped' && (tracedThreads.has(tid) || waitStatus.event !== 0)) {
    onStop(tid, waitStatus.signal, waitStatus.event);
  } else {
    if (waitStatus.kind === 'exited' || waitStatus.kind === 'killed') untrackThread(tid);
    postToMain({ kind: 'change', waitStatus });
  }
}

function onStop(tid: number, signal: number, ptraceEvent: number): void {
  if (ptraceEvent === 0) {
    const forward = signal !== SIGSEGV || !handleFault(tid);
    cont(tid, forward ? signal : 0);
  } else if (ptraceEvent === PTRACE_EVENT.stop) {
    trackThread(tid);
    if (groupStopSignals.includes(signal)) {
      listen(tid);
      groupStopped.add(tid);
      postToMain({ kind: 'change', waitStatus: { kind: 'stopped', pid: tid, signal, event: 0 } });
    } else {
      if (groupStopped.delete(tid)) postToMain({ kind: 'continued', pid: tid });
      cont(tid);
    }
  } else if (ptraceEvent === PTRACE_EVENT.exec) {
    onExec(tid);
  } else {
    cont(tid);
  }
}

/** Slow objects are gone with the memory that they were mapped in. */
function onExec(pid: number): void {
  const formerTid = getEventMessage(pid);
  if (formerTid !== pid) tracedThreads.delete(formerTid);
  untrackThread(pid);
  detach(pid);
}

function handleFault(tid: number): boolean {
  const pid = tracedThreads.get(tid) ?? tid;
  let query = mappingQueries.get(pid);
  try {
    if (query === undefined) {
      // By the thread: the process's first one may have ended.
      query = new MappingQuery(tid);
      mappingQueries.set(pid, query);
    }
    const handled = faultHandler.handle({ tid, mappings: query });
    if (handled) affinity.onInvocation(tid);
    return handled;
  } catch {
    return false; // the process is going
  }
}

function trackThread(tid: number): void {
  if (!tracedThreads.has(tid)) tracedThreads.set(tid, threadStatus(tid)?.pid ?? tid);
}

function untrackThread(tid: number): void {
  const pid = tracedThreads.get(tid) ?? tid;
  tracedThreads.delete(tid);
  groupStopped.delete(tid);
  // The first thread is the last to be told of, unless it had ended before we came.
  if (tid !== pid && (tracedThreads.has(pid) || hasTracedThreads(pid))) return;
  mappingQueries.get(pid)?.close();
  mappingQueries.delete(pid);
}

/** Whether any thread of a process is traced. */
function hasTracedThreads(pid: number): boolean {
  for (const tracedPid of tracedThreads.values()) if (tracedPid === pid) return true;
  return false;
}

function processMessages(): void {
  for (;;) {
    const received = receiveMessageOnPort(port) as { message: SyscallToTracer } | undefined;
    if (received === undefined) return;
    const { message } = received;
    if (message.kind === 'object') faultHandler.add(message);
    else if (message.kind === 'gone') faultHandler.remove(message.fileKey);
    else postAttachResult(message.requestId, attachProcess(message.tid));
  }
}

function postAttachResult(requestId: number, failure: string | undefined): void {
  port.postMessage({ requestId, failure } satisfies AttachResult);
  wakeEventfd(wakeFd);
}

/** Attaches to all threads of a process, also to those that begin meanwhile. @returns why not, if not */
function attachProcess(tid: number): string | undefined {
  const pid = threadStatus(tid)?.pid;
  if (pid === undefined) return 'it is gone';
  for (let attachedAny = true; attachedAny; ) {
    attachedAny = false;
    for (const thread of threadsOf(pid)) {
      if (tracedThreads.has(thread)) continue;
      try {
        if (!seize(thread)) continue;
      } catch (error) {
        const status = threadStatus(thread);
        if (status === undefined || status.isZombie) continue;
        // One that we trace may have started it, and then we do so already.
        if (status.tracerPid !== tracerTid) return (error as Error).message;
      }
      tracedThreads.set(thread, pid);
      attachedAny = true;
    }
  }
  return undefined;
}

function postToMain(message: TracerToMain): void {
  parentPort!.postMessage(message);
}
