/** What a call from another thread costs, which waits for the result. */
import { callbacks, contender, row } from './closure-rows.js';
import { type Absent, type Contender, together } from './harness.js';
import { library, missing } from './native.js';
import { ask, refusal } from './peers.js';

const calls = 2000;

export function relays(): { contenders: Contender[]; absent: Absent[] } {
  const given = [library('loop'), String(calls)];
  const noHeaders = missing('napi');
  const addon = noHeaders === undefined ? [library('napi')] : [];
  const inNode = together(() => ask('node', 'relayed', ...given, ...addon));
  const contenders = [
    contender('relayed', 'closure', 'relayed', () => inNode('own')),
    contender('relayed-koffi', 'koffi callback', 'relayed', () => inNode('koffi'), 'koffi'),
  ];
  const absent: Absent[] = [
    { ...row('relayed-node-ffi', callbacks['node-ffi'], 'relayed', 'node:ffi'), missing: 'ends the process' },
    { ...row('relayed-bun', callbacks.bun, 'relayed', 'Bun'), missing: 'gives other threads no results' },
  ];

  const napi = ['relayed-napi', 'thread-safe function in C', 'relayed'] as const;
  if (noHeaders === undefined) contenders.push(contender(...napi, () => inNode('napi'), 'C'));
  else absent.push({ ...row(...napi, 'C'), missing: noHeaders });

  const inDeno = (): number => ask('deno', 'relayed-deno', ...given)['deno']!;
  const why = refusal('deno', inDeno);
  const deno = ['relayed-deno', callbacks.deno, 'relayed'] as const;
  if (why === undefined) contenders.push(contender(...deno, inDeno, 'Deno'));
  else absent.push({ ...row(...deno, 'Deno'), missing: why });
  return { contenders, absent };
}
