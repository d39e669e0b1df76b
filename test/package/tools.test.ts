/** The package with the tools of users: compilers, test runners, a bundler, package managers, checks of packages. */
import { after, describe } from 'node:test';
import { createApp } from './app.js';
import { testChecks } from './contents.js';
import { testManagers } from './managers.js';
import { testRunners } from './runners.js';
import { needsTools } from './tools.js';
import { testTypes } from './types.js';

describe('installed into an empty folder', { skip: needsTools() }, () => {
  const app = createApp();
  after(() => app.remove());

  testChecks(app);
  testTypes(app);
  testRunners(app);
  testManagers(app);
});
