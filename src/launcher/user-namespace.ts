/** Whether this user may create user namespaces. @see user_namespaces(7) */
import { CLONE_NEWUSER } from '../linux/constants.js';
import { hostMachine } from '../native/host.js';
import { reportReady } from './exec-syscalls.js';
import { runLauncher } from './launcher.js';

/** Creates a user namespace in a process that exits at once. @returns whether that succeeded */
export async function canEnterUserNamespace(): Promise<boolean> {
  const { systemCalls } = hostMachine().linux;
  const { started } = runLauncher(
    [
      {
        name: 'unshare',
        number: systemCalls.unshare,
        arguments: [CLONE_NEWUSER],
        attempt: 'enter a user namespace',
      },
      reportReady(),
      { name: 'exit_group', number: systemCalls.exit_group, arguments: [0], attempt: 'exit' },
    ],
    'ignore',
  );
  return started.then(
    () => true,
    () => false,
  );
}
