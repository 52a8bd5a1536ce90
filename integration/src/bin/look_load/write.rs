//! The job: waits for a line, writes, and tells on standard error how long that took and the longest write.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

/// The bytes of one chunk: text with its number in it, so that none can be taken for another.
pub fn chunk(size: usize, number: u64) -> Vec<u8> {
    format!("{number:015}\n").into_bytes().into_iter().cycle().take(size).collect()
}

/// Writes so many chunks of this size with a pause of so many microseconds between them.
pub fn write(size: u64, chunks: u64, pause: u64) {
    std::io::stdin().lock().read_line(&mut String::new()).expect("somebody says go");
    let (begun, mut longest, mut total) = (Instant::now(), Duration::ZERO, Duration::ZERO);
    let mut out = std::io::stdout().lock();
    for number in 0..chunks {
        let bytes = chunk(size as usize, number);
        let at = Instant::now();
        out.write_all(&bytes).and_then(|()| out.flush()).expect("somebody reads");
        let took = at.elapsed();
        (longest, total) = (longest.max(took), total + took);
        if pause > 0 {
            std::thread::sleep(Duration::from_micros(pause));
        }
    }
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let mib = (size * chunks) as f64 / f64::from(1 << 20);
    eprintln!(
        "{mib:.1} MiB in {:.0} ms, {:.0} ms of them in write(2), the longest {:.1} ms: {:.1} MiB/s while it wrote",
        ms(begun.elapsed()),
        ms(total),
        ms(longest),
        mib / total.as_secs_f64()
    );
}
