/** Lists the code page methods and whether they work on this system. */
import { diagnose } from 'trampfd/diagnose';

export async function listMethods(): Promise<void> {
  const { methods } = await diagnose();
  for (const [name, method] of Object.entries(methods)) {
    const refused = method.works ? '' : `${method.errno ?? ''} by ${method.refusedBy}`;
    console.log(`  ${name.padEnd(10)} ${method.works ? 'works' : `refused: ${refused.trim()}`}`);
  }
}
