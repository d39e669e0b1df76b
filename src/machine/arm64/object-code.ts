import type { ObjectCode } from '../machine.js';
export const entryStride = 32;
export const bodySize = 64;
const notYet = (): never => {
  throw new Error('not yet');
};
export const entries: ObjectCode['entries'] = notYet;
export const trapAt: ObjectCode['trapAt'] = notYet;
export const body: ObjectCode['body'] = notYet;
