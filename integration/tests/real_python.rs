//! A real job: Python with what programs use of its library: processes, pools, threads, shared memory, a database, sockets.

use integration::support::run;

/// Runs a script in a cell with these flags; it must say nothing but this.
fn says(flags: &[&str], script: &str, expected: &str) {
    let ran = run(&[flags, &["--cwd", "/tmp", "--", "python3", "-c", script]].concat());
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, expected, ""), "{ran:?}");
}

#[test]
fn subprocesses_run_and_end_as_they_should() {
    let script = "
import subprocess, signal
print(subprocess.check_output('echo out; echo err >&2', shell=True, stderr=subprocess.STDOUT))
sleeper = subprocess.Popen(['sleep', '60'], start_new_session=True)
sleeper.send_signal(signal.SIGTERM)
print(sleeper.wait(timeout=30))
try: subprocess.run(['sleep', '60'], timeout=0.1)
except subprocess.TimeoutExpired: print('late')
both = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(len(both.communicate(b'x' * 1000000)[0]))
";
    says(&[], script, "b'out\\nerr\\n'\n-15\nlate\n1000000\n");
}

#[test]
fn a_pool_of_processes_a_queue_a_lock_and_shared_memory_work() {
    let script = "
import multiprocessing as m
from multiprocessing import shared_memory
def fill(name, lock, queue):
    block = shared_memory.SharedMemory(name)
    with lock: block.buf[0] += 1
    block.close()
    queue.put('filled')
if __name__ == '__main__':
    with m.Pool(3) as pool: print(pool.map(abs, range(-3, 0)))
    block, lock, queue = shared_memory.SharedMemory(create=True, size=4096), m.Lock(), m.Queue()
    block.buf[0] = 0
    all = [m.Process(target=fill, args=(block.name, lock, queue)) for _ in range(3)]
    for one in all: one.start()
    print([queue.get() for _ in all], [one.join() for one in all], block.buf[0])
    block.close(); block.unlink()
";
    says(&["--pids", "32"], script, "[3, 2, 1]\n['filled', 'filled', 'filled'] [None, None, None] 3\n");
}

#[test]
fn threads_a_database_and_temporary_files_work() {
    let script = "
import concurrent.futures, mmap, os, sqlite3, tempfile
with tempfile.TemporaryDirectory() as place:
    data = sqlite3.connect(place + '/data', isolation_level=None)
    data.execute('pragma journal_mode=wal')
    data.execute('create table t (n)')
    data.execute('begin immediate')
    data.executemany('insert into t values (?)', [(n,) for n in range(1000)])
    data.execute('commit')
    print(data.execute('select sum(n) from t').fetchone()[0])
    with tempfile.NamedTemporaryFile(dir=place) as file:
        os.posix_fallocate(file.fileno(), 0, 4096)
        mmap.mmap(file.fileno(), 4096)[:3] = b'abc'
        os.fsync(file.fileno())
        print(open(file.name, 'rb').read(3))
with concurrent.futures.ThreadPoolExecutor(8) as pool: print(sum(pool.map(lambda n: n * n, range(100))))
";
    says(&[], script, "499500\nb'abc'\n328350\n");
}

#[test]
fn asyncio_serves_and_asks_on_the_cells_own_loopback() {
    let script = "
import asyncio
async def answer(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(answer, '127.0.0.1', 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b'hello\\n')
    print(await reader.read())
    child = await asyncio.create_subprocess_exec('echo', 'child', stdout=asyncio.subprocess.PIPE)
    print((await child.communicate())[0])
asyncio.run(main())
";
    says(&[], script, "b'HELLO\\n'\nb'child\\n'\n");
}
