/** Reasons to skip a test, for its `skip` option: false where everything is there, else what is missing. */
import { hasTool, type Tool } from '../../scripts/tools.js';

export function needs(...tools: Tool[]): false | string {
  const missing = tools.filter((tool) => !hasTool(tool));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}
