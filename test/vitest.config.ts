// Test files share their modules, except the one that puts failing file functions in the place of Node's own.
import os from 'node:os'
import { defineConfig } from 'vitest/config'

const replacesModules = ['test/workspace/replacement.test.ts']
const all = ['test/**/*.test.ts']

export default defineConfig({
  test: {
    maxWorkers: os.availableParallelism(), // each worker loads and compiles everything anew
    testTimeout: 600_000, // a slow machine is no fault: this only ends what hangs
    projects: [
      { extends: true, test: { name: 'shared', include: all, exclude: replacesModules, isolate: false } },
      { extends: true, test: { name: 'alone', include: replacesModules } },
    ],
  },
})
