/** Sending signals. @see kill(2), rt_sigqueueinfo(2) */
import { hostMachine } from '../../native/host.js';
import { libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';
import { SIG_DFL, SIGINFO, sigaction } from './signal.js';

/** `int kill(pid_t pid, int sig)`. @returns whether the signal was sent */
export function kill(pid: number, signal: number): boolean {
  return libc().kill(pid, signal) === 0;
}

/** `si_code` of a signal that carries a value. <asm-generic/siginfo.h> */
const SI_QUEUE = -1;

/** Forwards a received signal. If it carries a value, that and the sender are forwarded, if the kernel permits it. */
export function forwardSignal(pid: number, signal: number, siginfo: Uint8Array): void {
  const code = new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(SIGINFO.code, true);
  if (code !== SI_QUEUE) {
    kill(pid, signal);
    return;
  }
  const { rt_sigqueueinfo } = hostMachine().linux.systemCalls;
  const siginfoArgument = ['long', addressOfBytes(siginfo)] as const;
  libc().syscall(rt_sigqueueinfo, 'long', BigInt(pid), 'long', BigInt(signal), ...siginfoArgument);
}

/** Terminates this process by a signal, even if the signal has a handler. */
export function raiseDefault(signal: number): void {
  sigaction(signal, { handler: SIG_DFL, mask: 0n, flags: 0, restorer: 0n });
  kill(process.pid, signal);
}
