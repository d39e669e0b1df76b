/**
 * Worker thread that traces processes with slow objects. It waits for all children of the supervisor and all traced
 * threads, handles faults at slow objects, and lets everything else happen as without a tracer.
 *
 * It blocks in `waitpid`. Other threads wake it by stopping an idle child process, which produces an ordinary, queued
 * wait status.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { registerNumbersOf } from '../../abi/decode-contexts.js';
import { wakeEventfd } from '../../linux/fs/eventfd.js';
import { pageSize } from '../../linux/mm/memory.js';
import { kill } from '../../linux/process/kill.js';
import { threadStatus, threadsOf } from '../../linux/process/proc-status.js';
import { MappingQuery } from '../../linux/process/procmap-query.js';
import { cont, detach, getEventMessage, listen, PTRACE_EVENT, seize } from '../../linux/process/ptrace.js';
import { gettid } from '../../linux/process/self.js';
import { SIGCONT, SIGSEGV, SIGSTOP, stopSignals } from '../../linux/process/signal.js';
import { __WALL, type WaitStatus, WNOHANG, WUNTRACED, waitpid } from '../../linux/process/wait.js';
import { hostMachine } from '../../native/host.js';
import type { AttachResult, SyscallToTracer, TracerData, TracerToMain } from '../messages.js';
import { addTypes } from '../objects/types/index.js';
import { EventLog } from '../policy/event-log.js';
import { PolicyEnforcer } from '../policy/policy-enforcer.js';
import { spawnIdleProcess } from '../process/idle-process.js';
import { SlowFaultHandler } from './slow-faults.js';
import { TracerAffinity } from './tracer-affinity.js';

const groupStopSignals = [SIGSTOP, ...stopSignals];

/** Polls before it blocks: about 50 us. */
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
/** The process ID of each traced thread. */
const tracedThreads = new Map<number, number>();
/** Traced threads in a group stop. */
const groupStopped = new Set<number>();
/** By process ID. */
const mappingQueries = new Map<number, MappingQuery>();
const affinity = new TracerAffinity();

const faultHandler = new SlowFaultHandler(targetInfo, new PolicyEnforcer(config.policy), {
  onRejected: (tid, address, reason) => eventLog.logRejectedInvocation(tid, address, reason),
  refreshObjects: processMessages,
});
/** Started by {@link run}. */
let idlePid = 0;
void run();

async function run(): Promise<never> {
  await addTypes(config.typeModules);
  idlePid = spawnIdleProcess();
  postToMain({ kind: 'ready', tid: tracerTid, wakePid: idlePid });
  for (;;) handleWaitStatus(nextWaitStatus());
}

function nextWaitStatus(): WaitStatus {
  // Without WCONTINUED: it would take the report that a process was continued from the process's parent.
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
    if (waitStatus.kind !== 'stopped') throw new Error("the tracer's wake-up process was killed");
    // Before draining the messages: a message posted later stops it again.
    kill(idlePid, SIGCONT);
    processMessages();
  } else if (waitStatus.kind === 'stopped' && (tracedThreads.has(tid) || waitStatus.event !== 0)) {
    onStop(tid, waitStatus.signal, waitStatus.event);
  } else {
    if (waitStatus.kind === 'exited' || waitStatus.kind === 'killed') untrackThread(tid);
    postToMain({ kind: 'wait-status', waitStatus });
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
      postToMain({ kind: 'wait-status', waitStatus: { kind: 'stopped', pid: tid, signal, event: 0 } });
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

/** Ends tracing, since `execve` has unmapped all slow objects. */
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
      // By thread ID, since the main thread may have exited.
      query = new MappingQuery(tid);
      mappingQueries.set(pid, query);
    }
    const handled = faultHandler.handle({ tid, mappings: query });
    if (handled) affinity.onInvocation(tid);
    return handled;
  } catch {
    return false; // the process is exiting
  }
}

function trackThread(tid: number): void {
  if (!tracedThreads.has(tid)) tracedThreads.set(tid, threadStatus(tid)?.pid ?? tid);
}

function untrackThread(tid: number): void {
  const pid = tracedThreads.get(tid) ?? tid;
  tracedThreads.delete(tid);
  groupStopped.delete(tid);
  // The main thread is reported last, unless it had exited before the attach.
  if (tid !== pid && (tracedThreads.has(pid) || hasTracedThreads(pid))) return;
  mappingQueries.get(pid)?.close();
  mappingQueries.delete(pid);
}

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
    else if (message.kind === 'removed') faultHandler.remove(message.fileKey);
    else postAttachResult(message.requestId, attachProcess(message.tid));
  }
}

function postAttachResult(requestId: number, failure: string | undefined): void {
  port.postMessage({ requestId, failure } satisfies AttachResult);
  wakeEventfd(wakeFd);
}

/** Attaches to all threads of a process, also to those that start during the attach. @returns the reason if it fails */
function attachProcess(tid: number): string | undefined {
  const pid = threadStatus(tid)?.pid;
  if (pid === undefined) return 'the process has exited';
  for (let attachedAny = true; attachedAny; ) {
    attachedAny = false;
    for (const thread of threadsOf(pid)) {
      if (tracedThreads.has(thread)) continue;
      try {
        if (!seize(thread)) continue;
      } catch (error) {
        const status = threadStatus(thread);
        if (status === undefined || status.isZombie) continue;
        // If a traced thread started it, it is already traced.
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
