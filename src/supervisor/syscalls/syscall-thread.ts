/**
 * Worker thread that handles seccomp notifications and owns all objects. It polls the notify fd and an eventfd that
 * other threads signal after they post a message. Handling a system call never blocks on another process.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { registerNumbersOf } from '../../abi/decode-contexts.js';
import { type SyscallErrno, SyscallError } from '../../abi/syscall-error.js';
import { drainEventfd } from '../../linux/fs/eventfd.js';
import { POLLIN, Poll } from '../../linux/fs/poll.js';
import { pageSize } from '../../linux/mm/memory.js';
import { NotifyListener } from '../../linux/seccomp/seccomp-notify.js';
import { errnoName, errnoValue } from '../../native/errno.js';
import { hostMachine } from '../../native/host.js';
import { claimFirst, type MainToSyscall, type SyscallThreadData, type SyscallToMain } from '../messages.js';
import { type ManagedObject, ObjectStore } from '../objects/objects.js';
import { addTypes } from '../objects/types/index.js';
import { EventLog } from '../policy/event-log.js';
import { PolicyEnforcer } from '../policy/policy-enforcer.js';
import { writeLine } from '../process/write-line.js';
import { CallerExited, type Outcome, Syscall } from './syscall.js';
import { SyscallHandlers } from './syscall-handlers.js';
import { TracerClient } from './tracer-client.js';

/** Milliseconds between checks for unused objects while no calls arrive. */
const idlePollMs = 500;
/** Calls between such checks otherwise. */
const callsPerCollection = 64;
/** Iterations between yields to Node's event loop, which runs the finalizers of external ArrayBuffers. */
const yieldInterval = 256;
/**
 * Objects to check per iteration (about 2 us each), which delays calls. Must exceed the number of objects that can be
 * created between two checks, otherwise a check of all objects never completes.
 */
const [busyBudget, idleBudget] = [2 * callsPerCollection, 1024];

const mainPort = parentPort!;
const config = workerData as SyscallThreadData;

const machine = hostMachine();
const targetInfo = {
  machine,
  registerNumbers: registerNumbersOf(machine.registerFile),
  pageSize: pageSize(),
};
const notifyListener = new NotifyListener(config.listenerFd);
const objects = new ObjectStore();
const eventLog = new EventLog(machine, config);

const tracerClient = new TracerClient(() => postToMain({ kind: 'tracer-requested' }));
const counts = { calls: 0, refused: 0 };

const syscallHandlers = new SyscallHandlers(
  {
    targetInfo,
    objects,
    policyEnforcer: new PolicyEnforcer(config.policy),
    ensureTraced: (syscall) => tracerClient.ensureTraced(syscall),
    registerSlowObject,
    collectUnused: () => collectUnused(Number.POSITIVE_INFINITY),
    rollback: (object) => {
      object.file.close();
      unregisterSlowObject(object);
    },
  },
  config.abi,
);
void run();

async function run(): Promise<void> {
  await addTypes(config.typeModules);
  if (claimFirst(config.claimWord)) await runEventLoop();
}

async function runEventLoop(): Promise<void> {
  const poll = new Poll([config.listenerFd, config.wakeFd]);
  // Many objects often become unused at once, so checks continue without a pause while some are found.
  let collectedCount = 0;
  for (let iteration = 1; ; iteration++) {
    if (iteration % yieldInterval === 0) await new Promise(setImmediate);
    poll.wait(collectedCount > 0 ? 0 : objects.size > 0 ? idlePollMs : -1);
    if (poll.revents(1) !== 0) {
      drainEventfd(config.wakeFd);
      if (!processMessages()) return;
    }
    let budget = idleBudget;
    if ((poll.revents(0) & POLLIN) !== 0) {
      const notification = notifyListener.receive();
      if (notification !== undefined) {
        counts.calls++;
        handleSyscall(new Syscall(notification, notifyListener));
      }
      if (iteration % callsPerCollection !== 0) continue;
      budget = busyBudget;
    } else if (poll.revents(0) !== 0) {
      // All processes with the filter have exited; only messages can arrive.
      poll.remove(0);
    }
    collectedCount = collectUnused(budget);
  }
}

/** Removes unused objects. @returns how many */
function collectUnused(budget: number): number {
  const removed = objects.collectUnused(budget);
  for (const object of removed) unregisterSlowObject(object);
  return removed.length;
}

function handleSyscall(syscall: Syscall): void {
  try {
    reply(syscall, syscallHandlers.handle(syscall));
  } catch (error) {
    replyError(syscall, error);
  }
}

function reply(syscall: Syscall, outcome: Outcome): void {
  let value: bigint | undefined;
  switch (outcome.kind) {
    case 'deferred':
      return;
    case 'continue':
      notifyListener.continue(syscall.id);
      if (!outcome.isTrampfd) return;
      break;
    case 'value':
      value = outcome.value;
      notifyListener.reply(syscall.id, { value });
      break;
    case 'fd': {
      const remoteFd = notifyListener.addFdAndSend(syscall.id, outcome.fd);
      outcome.onDelivered(remoteFd);
      if (remoteFd < 0) {
        const code = errnoName(-remoteFd);
        if (code === 'ENOENT') throw new CallerExited();
        // The program's own limits apply.
        throw new SyscallError(code as SyscallErrno, 'cannot install the fd in the program');
      }
      value = BigInt(remoteFd);
    }
  }
  if (eventLog.enabled) eventLog.logSyscall(syscall, { value });
}

function replyError(syscall: Syscall, error: unknown): void {
  if (error instanceof CallerExited) return;
  counts.refused++;
  const syscallError = error instanceof SyscallError ? error : undefined;
  const code = syscallError?.code ?? 'EIO';
  notifyListener.reply(syscall.id, { error: errnoValue(code) });
  const reason = (error as Error).message;
  if (eventLog.enabled) eventLog.logSyscall(syscall, { value: undefined, error: { code, reason } });
  if (syscallError === undefined)
    writeLine(2, `trampfd: internal error in a system call: ${(error as Error).stack}`);
}

function registerSlowObject({ file, type, base, layout, contexts }: ManagedObject): void {
  tracerClient.send({
    kind: 'object',
    fileKey: file.key,
    type: type.number,
    base,
    stride: layout.stride,
    count: layout.count,
    contextMemory: contexts!.memory as SharedArrayBuffer,
  });
}

function unregisterSlowObject({ layout, file }: ManagedObject): void {
  if (layout.slow) tracerClient.send({ kind: 'removed', fileKey: file.key });
}

/** @returns false after the last message */
function processMessages(): boolean {
  for (;;) {
    const received = receiveMessageOnPort(mainPort) as { message: MainToSyscall } | undefined;
    if (received === undefined) break;
    const { message } = received;
    if (message.kind === 'shutdown') {
      const { created, size } = objects;
      postToMain({ kind: 'finished', stats: { ...counts, objectsCreated: created, objectsAlive: size } });
      return false;
    }
    tracerClient.connect(message);
  }
  for (const { syscall, failure } of tracerClient.takeAttached()) {
    if (failure === undefined) handleSyscall(syscall);
    else replyError(syscall, new SyscallError('EPERM', failure));
  }
  return true;
}

function postToMain(message: SyscallToMain): void {
  mainPort.postMessage(message);
}
