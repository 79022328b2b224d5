// SPDX-License-Identifier: MIT
// node: strings, maps, buffers outside the V8 heap, compression, worker threads, child processes.
const { createHash } = require('crypto');
const { execFileSync } = require('child_process');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const zlib = require('zlib');

function digest(bytes) { return createHash('sha256').update(bytes).digest('hex').slice(0, 16); }

function makeWords(seed, count) {
  const dice = (n) => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff, (seed >>> 16) % n);
  return Array.from({ length: count }, () =>
    Array.from({ length: 3 + dice(20) }, () => String.fromCharCode(97 + dice(26))).join(''));
}

if (!isMainThread) {
  const blocks = [];
  for (let i = 1; i < 300; i++) blocks.push(Buffer.alloc(i * 700, i));
  const text = makeWords(workerData, 5000).sort().join(' ');
  parentPort.postMessage(digest(Buffer.concat(blocks)) + digest(text));
  return;
}

const words = makeWords(9, 30000);
const index = new Map();
for (const word of words) {
  const key = word.slice(0, 2);
  if (!index.has(key)) index.set(key, []);
  index.get(key).push({ word, length: word.length });
}
const text = JSON.stringify([...index].sort());
console.log(text.length, digest(text), JSON.parse(text).length);
const packed = zlib.gzipSync(text);
console.log(zlib.gunzipSync(packed).toString() === text, zlib.brotliDecompressSync(zlib.brotliCompressSync(
  text.slice(0, 200000), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } })).length);
console.log(digest(text.replace(/([aeiou]+)([^aeiou"]+)/g, '$2$1')));
console.log(execFileSync(process.execPath, ['-e', 'console.log([1,2,3].map(String).join("+"))']).toString().trim());
Promise.all([1, 2, 3].map((seed) => new Promise((done, failed) => {
  const worker = new Worker(__filename, { workerData: seed });
  worker.on('message', done);
  worker.on('error', failed);
}))).then((answers) => console.log(answers.join('\n')));
