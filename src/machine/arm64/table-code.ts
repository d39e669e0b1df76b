import type { ObjectCode } from '../machine.js';
export const table: ObjectCode['table'] = () => {
  throw new Error('not yet');
};
