/** Cost of a call from another thread, which waits for the result. */
import { callbackTitles, contender, row } from './callback-rows.js';
import { type Contender, measureTogether, type Unavailable } from './harness.js';
import { library, missing } from './native.js';
import { failureReason, runScript } from './peers.js';

const calls = 2000;

export function crossThreadCalls(): { contenders: Contender[]; unavailable: Unavailable[] } {
  const args = [library('loop'), String(calls)];
  const noHeaders = missing('napi');
  const addon = noHeaders === undefined ? [library('napi')] : [];
  const inNode = measureTogether(() => runScript('node', 'relayed', ...args, ...addon));
  const contenders = [
    contender('relayed', 'closure', 'relayed', () => inNode('own')),
    contender('relayed-koffi', 'koffi callback', 'relayed', () => inNode('koffi'), 'koffi'),
  ];
  const unavailable: Unavailable[] = [
    {
      ...row('relayed-node-ffi', callbackTitles['node-ffi'], 'relayed', 'node:ffi'),
      missing: 'ends the process',
    },
    {
      ...row('relayed-bun', callbackTitles.bun, 'relayed', 'Bun'),
      missing: 'returns no results to other threads',
    },
  ];

  const napi = ['relayed-napi', 'thread-safe function in C', 'relayed'] as const;
  if (noHeaders === undefined) contenders.push(contender(...napi, () => inNode('napi'), 'C'));
  else unavailable.push({ ...row(...napi, 'C'), missing: noHeaders });

  const inDeno = (): number => runScript('deno', 'relayed-deno', ...args)['deno']!;
  const reason = failureReason('deno', inDeno);
  const deno = ['relayed-deno', callbackTitles.deno, 'relayed'] as const;
  if (reason === undefined) contenders.push(contender(...deno, inDeno, 'Deno'));
  else unavailable.push({ ...row(...deno, 'Deno'), missing: reason });
  return { contenders, unavailable };
}
