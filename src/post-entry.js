// Where `runs.post` begins: the same bundle, told that it is the post step. Without a trace of the main step it does nothing.
process.env.BLUEGREEN_POST = 'yes';
await import('./index.js');
