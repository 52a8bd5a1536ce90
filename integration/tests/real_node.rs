//! A real job: node, whose runtime maps memory for code, asks with epoll, and does its files in threads of its own.

use integration::support::run;

fn says(script: &str, expected: &str) {
    let ran = run(&["--memory", "512M", "--pids", "64", "--cwd", "/tmp", "--", "node", "-e", script]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, expected, ""), "{ran:?}");
}

#[test]
fn a_server_answers_on_the_cells_own_loopback() {
    let script = "
const http = require('http');
const server = http.createServer((ask, answer) => answer.end('you asked for ' + ask.url));
server.listen(0, '127.0.0.1', () => http.get({ port: server.address().port, path: '/x' }, answer => {
    answer.on('data', bytes => console.log(answer.statusCode, String(bytes))).on('end', () => server.close());
}));";
    says(script, "200 you asked for /x\n");
}

#[test]
fn worker_threads_share_memory_and_wait_for_each_other() {
    let script = "
const { Worker } = require('worker_threads');
const shared = new Int32Array(new SharedArrayBuffer(4));
const work = `const { workerData, parentPort } = require('worker_threads');
    for (let i = 0; i < 1000; i++) Atomics.add(workerData, 0, 1);
    parentPort.postMessage('done');`;
const start = () => new Promise(done => new Worker(work, { eval: true, workerData: shared }).on('exit', done));
Promise.all([start(), start()]).then(() => console.log(shared[0]));";
    says(script, "2000\n");
}

#[test]
fn files_children_and_cryptography_work() {
    let script = "
const fs = require('fs'), { execFile } = require('child_process'), crypto = require('crypto');
fs.promises.writeFile('a', 'x'.repeat(100000)).then(() => fs.promises.readFile('a')).then(bytes => {
    console.log(bytes.length, crypto.createHash('sha256').update('x').digest('hex').slice(0, 8));
    crypto.pbkdf2('x', 'y', 10, 16, 'sha256', () => execFile('echo', ['child'], (_, out) => console.log(out.trim())));
});";
    says(script, "100000 2d711642\nchild\n");
}
