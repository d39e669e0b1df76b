/**
 * The JavaScript side of the glue, one for each thread: the live closures, what answers for them, and where errors
 * go. A call of a closure, in a nutshell:
 *
 * 1. The glue puts the arguments into the call record, and which closure it is, and calls `dispatch`.
 * 2. `dispatch` reads all arguments, calls the function, and writes the result into the record. Nothing else
 *    runs between the glue and the reading, or between the writing and the glue: so one record is enough,
 *    however deep calls are nested.
 * 3. The glue loads the result into registers and returns to C; or the error result, if there is no answer.
 *
 * C on a stack of its own comes back to `dispatch` instead, which lets it go on when it has answered.
 *
 * What a function throws waits here until the native call returns, since C may call others before. What cannot be
 * caught here, as no JavaScript ran (the stack is used up) or none must run any more (it is terminated), is left to
 * Node-API: until the native call returns it lets no JavaScript run, and then it goes on with the exception.
 */
import { type ExportName, failures, state as layout, origins } from '../machine/glue-layout.js';
import { TrampfdError } from '../trampoline/errors.js';
import { type Environment, openEnvironment } from './environment.js';
import type { Kind } from './kinds.js';
import { checkOwnStack } from './own-stack.js';
import { forms } from './places.js';
import { prepare } from './structures.js';
import { pins, type Values, valuesIn } from './values.js';

/** A closure, as far as calls need it. */
export interface Callee {
  readonly kind: Kind;
  readonly run: (...args: unknown[]) => unknown;
  /** Tells it from others that have had the same place. */
  readonly serial: number;
  /** What native code may still use of the last result. */
  kept: unknown;
  /** What errors call it. */
  describe(): string;
}

export interface Runtime extends Environment {
  readonly values: Values;
  /** Live closures by their place. */
  readonly live: (Callee | undefined)[];
  /** What to do when native calls on other threads have returned. */
  readonly jobs: Map<number, () => void>;
  /** Makes the native call that is in the state, and throws what was thrown by closures that it called. */
  invoke(): void;
  /** The same on the own stack, which is mapped when it is first needed. */
  carry(): void;
}

/** So that `undefined` can be thrown, too. */
interface Failure {
  readonly error: unknown;
}

const strayStack = 'Cannot run a closure: C called it on a stack that V8 does not know';

const at = {
  id: layout.id / 4,
  serial: layout.serial / 4,
  origin: layout.origin / 4,
  request: layout.request / 8,
  pending: layout.pending / 4,
  answered: layout.answered / 4,
  waits: layout.waits / 4,
};

let opened: Runtime | undefined;

export function runtime(): Runtime {
  opened ??= start();
  return opened;
}

function start(): Runtime {
  const live: (Callee | undefined)[] = [];
  const jobs = new Map<number, () => void>();
  const environment = openEnvironment();
  const { state, functions } = environment;
  const { u32, u64 } = state;
  const values = valuesIn(state, text);
  const { read, write } = values;
  const {
    begin,
    resume,
    invoke: enter,
    carry: enterOwn,
  } = functions as Readonly<Record<ExportName, () => void>>;
  const failed = u32.subarray(layout.failed / 4, layout.failed / 4 + 1);
  /** The first error since the innermost native call of ours began. Those of calls further out are with who runs them. */
  let failure: Failure | undefined;

  function dispatch(): void {
    const origin = u32[at.origin]!;
    if (origin === origins.direct || origin === origins.bridged) respond();
    else if (origin === origins.carried) carried();
    else if (origin === origins.entered) entered();
    else if (origin === origins.relayed) relayed(live[u32[at.id]!]);
    else jobs.get(u32[at.id]!)?.();
  }

  /**
   * Answers the closure call that is in the state. The function may make native calls that never come to their end
   * here, since JavaScript is terminated: what they leave is nobody's, and put right behind it.
   */
  function respond(): void {
    const earlier = failed[0] === 0 ? undefined : takeFailure();
    try {
      const callee = live[u32[at.id]!]!;
      answer(callee, call(callee));
      u32[at.answered] = 1;
      keepFailure(earlier);
    } catch (error) {
      u32[at.answered] = 0;
      keepFailure(earlier ?? { error });
    }
  }

  /** From native code that is not ours: there is nobody to throw to. */
  function entered(): void {
    try {
      withErrors(respond);
    } catch (error) {
      report(error);
    }
  }

  /** C on the own stack: answers what it waits for, until it has returned. */
  function carried(): void {
    begin();
    while (u32[at.waits] !== 0) {
      respond();
      resume();
    }
  }

  function call({ run, kind }: Callee): unknown {
    const { args, first, second, third } = kind;
    if (first === undefined) return run();
    if (second === undefined) return run(read(first));
    if (third === undefined) return run(read(first), read(second));
    const [a, b, c] = [read(first), read(second), read(third)];
    switch (args.length) {
      case 3:
        return run(a, b, c);
      case 4:
        return run(a, b, c, read(args[3]!));
      case 5:
        return run(a, b, c, read(args[3]!), read(args[4]!));
      case 6:
        return run(a, b, c, read(args[3]!), read(args[4]!), read(args[5]!));
      default:
        return run(a, b, c, ...args.slice(3).map(read));
    }
  }

  function answer(callee: Callee, value: unknown): void {
    const { result } = callee.kind;
    if (result === undefined) return;
    if (result.form < forms.string && typeof value !== 'object') {
      write(result, value);
      return;
    }
    const prepared = prepare(result, value);
    const pinned = pins.length;
    write(result, prepared);
    if (pins.length > pinned || callee.kept !== undefined) callee.kept = pins.splice(pinned);
  }

  /** From another thread, through the event loop. The closure may have been freed meanwhile. */
  function relayed(callee: Callee | undefined): void {
    u32[at.answered] = 0;
    if (callee === undefined || callee.serial !== u32[at.serial]) return;
    try {
      const { threads, awaits } = callee.kind;
      if (threads === 'forbid') throw forbidden(callee);
      // Now: reading a string argument uses the same word.
      const request = awaits ? u64[at.request]! : 0n;
      const value = call(callee);
      if (awaits && isThenable(value)) {
        answerLater(callee, request, value);
        u32[at.pending] = 1;
      } else {
        answer(callee, value);
        u32[at.answered] = 1;
      }
    } catch (error) {
      u32[at.answered] = 0;
      report(error);
    }
  }

  function answerLater(callee: Callee, request: bigint, value: PromiseLike<unknown>): void {
    Promise.resolve(value)
      .then((settled) => {
        answer(callee, settled);
        settle(request, 1);
      })
      .catch((error: unknown) => {
        settle(request, 0);
        report(error);
      });
  }

  function settle(request: bigint, answered: 0 | 1): void {
    u64[at.request] = request;
    u32[at.answered] = answered;
    functions.settle();
  }

  /** What `withErrors` does, for the way that everybody takes: so short that V8 puts it into every caller. */
  function invoke(): void {
    if (failed[0] !== 0) {
      withErrors(enter);
    } else {
      enter();
      if (failed[0] !== 0) throwFailure();
    }
  }

  function carry(): void {
    checkOwnStack(state);
    withErrors(enterOwn);
  }

  /** Runs what may call closures, and throws the first error of theirs. */
  function withErrors(run: () => void): void {
    const outer = failed[0] === 0 ? undefined : takeFailure();
    run();
    const own = failed[0] === 0 ? undefined : takeFailure();
    keepFailure(outer);
    if (own !== undefined) throw own.error;
  }

  /** For `invoke`, which stays short without it. */
  function throwFailure(): void {
    throw takeFailure().error;
  }

  function keepFailure(given: Failure | undefined): void {
    failure = given;
    failed[0] = given === undefined ? 0 : failures.thrown;
  }

  /** What failed. The glue has no error to leave: where there is none, C has strayed. */
  function takeFailure(): Failure {
    const taken = failure ?? { error: new TrampfdError(strayStack, { code: 'ERR_STACK' }) };
    keepFailure(undefined);
    return taken;
  }

  /** On a stack that is not the thread's own there is another's call to throw from. */
  function bridge(): void {
    withErrors(dispatch);
  }

  function text(address: bigint): string {
    u64[at.request] = address;
    return (functions.text as () => string)();
  }

  environment.attach({ dispatch, bridge });
  // Before listeners of the program: they may call, be called, and wait for threads that nobody comes to answer.
  process.prependListener('exit', () => functions.dismiss());
  return { ...environment, values, live, jobs, invoke, carry };
}

/** Lets the process hear of an error that has no JavaScript to go to: `uncaughtException`. */
function report(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function forbidden(callee: Callee): TrampfdError {
  const message = `Cannot run ${callee.describe()} for another thread: it is made with threads: 'forbid'`;
  return new TrampfdError(message, { code: 'ERR_THREAD' });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
