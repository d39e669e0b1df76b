/**
 * The states of handles (trampolines, tables, callbacks) and the errors for operations that a state forbids:
 * a handle is open, then possibly frozen, and finally closed.
 */
import { TrampfdError } from '../core/errors.js';

export class Lifecycle {
  readonly #owner: { describe(): string };
  #state: 'open' | 'frozen' | 'closed' = 'open';

  /** @param owner the handle; `describe` names it in errors */
  constructor(owner: { describe(): string }) {
    this.#owner = owner;
  }

  /** Whether the handle can be changed: it is neither frozen nor closed. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen';
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  freeze(): void {
    this.#state = 'frozen';
  }

  /** Returns whether the handle was not closed before. */
  close(): boolean {
    const wasClosed = this.#state === 'closed';
    this.#state = 'closed';
    return !wasClosed;
  }

  /** @param verb what is attempted, such as `read the counters of` */
  assertOpen(verb: string): void {
    if (this.#state === 'closed') throw closedError(verb, this.#owner.describe());
  }

  /** @param verb what is attempted, such as `update` */
  assertMutable(verb: string): void {
    if (this.#state === 'open') return;
    this.assertOpen(verb);
    throw frozenError(verb, this.#owner.describe());
  }
}

/** The key by which a handle says whether it is closed, to code that is handed an `{ address }`. */
export const isClosed = Symbol('isClosed');

/** Throws if an object with an address is a closed handle: its address is stale. @param name names it in the error */
export function assertNotClosed(target: object, name: string): void {
  if ((target as { readonly [isClosed]?: boolean })[isClosed] === true) throw closedError('use', name);
}

/** Returns the error for using a closed handle. */
export function closedError(verb: string, object: string): TrampfdError {
  return new TrampfdError(`Cannot ${verb} ${object}: it is closed`, { code: 'ERR_TRAMPFD_CLOSED' });
}

/** Returns the error for changing a frozen handle. */
function frozenError(verb: string, object: string): TrampfdError {
  return new TrampfdError(`Cannot ${verb} ${object}: it is frozen`, { code: 'ERR_TRAMPFD_FROZEN' });
}

/** Returns the error for changing a trampoline that was deleted from its table. */
export function freedError(verb: string, object: string): TrampfdError {
  return new TrampfdError(`Cannot ${verb} ${object}: it was deleted`, { code: 'ERR_TRAMPFD_FREED' });
}
