//! What a crowd does to the daemon, measured and printed: how fast a job writes that a thousand follow, a tenth of them stopped,
//! and whether each that reads has every byte; and how long an admin waits for an answer while ten thousand connections stall.
//!
//! As root, on a host that nobody else uses: `cargo build --release --workspace --features integration/load --bins`, and then, with
//! `IRONCELL_BIN` naming the `ironcell` that it lies beside, `look_load`, or with one word of `follow`, `paced`, `stall`. It
//! judges nothing: it prints, and whoever reads decides.

mod crowd;
mod follow;
mod house;
mod stall;
mod write;

use house::House;

/// Followers of one job, and how many of them are stopped.
const FOLLOWERS: usize = 1000;
const STOPPED: usize = 100;
/// Connections that stall.
const STALLED: usize = 10_000;

fn main() {
    ironcell::supervise::raise_descriptors();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["write", chunk, chunks, pause] => write::write(number(chunk), number(chunks), number(pause)),
        ["crowd", pki, address, id, count] => run(crowd::stopped(pki.as_ref(), address, id, number(count) as usize)),
        [] => run(all(&["follow", "paced", "stall"])),
        which => run(all(which)),
    }
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work);
}

async fn all(which: &[&str]) {
    for word in which {
        let house = House::new();
        match *word {
            // 8 MiB as fast as it can.
            "follow" => follow::follow(&house, "flat out", [64 << 10, 128, 0]).await,
            // 256 KiB a second for 20 s: what two processors can hand a thousand readers.
            "paced" => follow::follow(&house, "paced", [16 << 10, 320, 62_500]).await,
            "stall" => stall::stall(&house).await,
            other => panic!("{other}: write follow, paced or stall"),
        }
        house.end();
    }
}
