/**
 * The thread that answers calls, and keeps the objects. It waits for the listener and for its bell, which other
 * threads ring when they have sent a message; nothing that it does for one caller waits for another process.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { registerNames } from '../abi/contexts.js';
import { Refusal, type RefusalCode } from '../abi/refusal.js';
import { POLLIN, Poll, silence } from '../linux/descriptors.js';
import { errnoName, errorNumber } from '../linux/errno.js';
import { thisMachine } from '../linux/host.js';
import { pageSize } from '../linux/memory.js';
import { Listener } from '../linux/notifications.js';
import { Call, Gone, type Outcome } from './call.js';
import { Calls } from './calls.js';
import { writeLine } from './lines.js';
import { type AnswererData, type FromMain, isFirst, type ToMain } from './messages.js';
import { Objects, type TrampolineObject } from './objects.js';
import { Reports } from './reports.js';
import { Rules } from './rules.js';
import { Tracing } from './tracing.js';
import { addTypes } from './types/index.js';

/** Between looks at objects that may be unused, in milliseconds, while nobody calls. */
const pause = 500;
/** Calls between such looks otherwise. */
const busy = 64;
/** Turns between two of Node's own loop, where what was left behind by views of memory is given back. */
const breath = 256;
/**
 * Objects to look at in one turn, so that nobody waits long: one takes about two microseconds. More than calls can
 * have made meanwhile, or the end would never be reached while a program makes objects steadily.
 */
const [looksWhenBusy, looksWhenIdle] = [2 * busy, 1024];

const main = parentPort!;
const setting = workerData as AnswererData;

const machine = thisMachine();
const surroundings = { machine, names: registerNames(machine.registerFile), pageSize: pageSize() };
const listener = new Listener(setting.listener);
const objects = new Objects();
const reports = new Reports(machine, setting);

const tracing = new Tracing(() => tellMain({ kind: 'want-tracer' }));
const counts = { calls: 0, refused: 0 };

await addTypes(setting.types);
const calls = new Calls(
  {
    surroundings,
    objects,
    rules: new Rules(setting.policy),
    trace: (call) => tracing.isTraced(call),
    announce,
    collect: () => collect(Number.POSITIVE_INFINITY),
    discard: (object) => {
      object.file.close();
      forget(object);
    },
  },
  setting.abi,
);
if (isFirst(setting.first)) await run();

async function run(): Promise<void> {
  const poll = new Poll([setting.listener, setting.bell]);
  // Objects often go in crowds: while some are found, the next are looked at.
  let found = 0;
  for (let turn = 1; ; turn++) {
    if (turn % breath === 0) await new Promise(setImmediate);
    poll.wait(found > 0 ? 0 : objects.size > 0 ? pause : -1);
    if (poll.events(1) !== 0) {
      silence(setting.bell);
      if (!hearMessages()) return;
    }
    let looks = looksWhenIdle;
    if ((poll.events(0) & POLLIN) !== 0) {
      const received = listener.receive();
      if (received !== undefined) {
        counts.calls++;
        serve(new Call(received, listener));
      }
      if (turn % busy !== 0) continue;
      looks = looksWhenBusy;
    } else if (poll.events(0) !== 0) {
      // Nobody is left who could call; only the bell can ring.
      poll.forget(0);
    }
    found = collect(looks);
  }
}

/** @returns how many objects are gone */
function collect(looks: number): number {
  const gone = objects.collect(looks);
  for (const object of gone) forget(object);
  return gone.length;
}

function serve(call: Call): void {
  try {
    finish(call, calls.answer(call));
  } catch (error) {
    refuse(call, error);
  }
}

function finish(call: Call, outcome: Outcome): void {
  let value: bigint | undefined;
  switch (outcome.kind) {
    case 'later':
      return;
    case 'continue':
      listener.continue(call.id);
      if (!outcome.ours) return;
      break;
    case 'value':
      value = outcome.value;
      listener.answer(call.id, { value });
      break;
    case 'descriptor': {
      const number = listener.answerWithDescriptor(call.id, outcome.fd);
      outcome.given(number);
      if (number < 0) {
        const code = errnoName(-number);
        if (code === 'ENOENT') throw new Gone();
        // The program's own limits apply to what it is given.
        throw new Refusal(code as RefusalCode, 'the program can be given no descriptor');
      }
      value = BigInt(number);
    }
  }
  if (reports.wanted) reports.call(call, { value });
}

function refuse(call: Call, error: unknown): void {
  if (error instanceof Gone) return;
  counts.refused++;
  const refusal = error instanceof Refusal ? error : undefined;
  const code = refusal?.code ?? 'EIO';
  listener.answer(call.id, { error: errorNumber(code) });
  const reason = (error as Error).message;
  if (reports.wanted) reports.call(call, { value: undefined, error: { code, reason } });
  if (refusal === undefined) writeLine(2, `trampfd: a call failed: ${(error as Error).stack}`);
}

/** Tells the tracer of a slow object. */
function announce({ file, type, base, plan, contexts }: TrampolineObject): void {
  tracing.tell({
    kind: 'object',
    file: file.key,
    type: type.number,
    base,
    stride: plan.stride,
    count: plan.count,
    contexts: contexts!.memory as SharedArrayBuffer,
  });
}

function forget({ plan, file }: TrampolineObject): void {
  if (plan.slow) tracing.tell({ kind: 'gone', file: file.key });
}

/** @returns whether to go on */
function hearMessages(): boolean {
  for (;;) {
    const received = receiveMessageOnPort(main) as { message: FromMain } | undefined;
    if (received === undefined) break;
    const { message } = received;
    if (message.kind === 'end') {
      const { made, size } = objects;
      tellMain({ kind: 'ended', stats: { ...counts, objectsMade: made, objectsAlive: size } });
      return false;
    }
    tracing.start(message);
  }
  for (const { call, refusal } of tracing.settled()) {
    if (refusal === undefined) serve(call);
    else refuse(call, new Refusal('EPERM', refusal));
  }
  return true;
}

function tellMain(message: ToMain): void {
  main.postMessage(message);
}
