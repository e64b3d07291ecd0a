export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  // Tests on a host wait more than they compute.
  maxWorkers: 2,
  // Names of tests tell the seeds of what is generated, and what was not run.
  verbose: true,
  // A limit is for what hangs: a busy machine is slow.
  testTimeout: 60_000,
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  moduleFileExtensions: ['ts', 'mjs', 'js', 'json'],
};
