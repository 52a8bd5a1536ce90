//! Samples, and what is said of them.

use std::time::Duration;

/// One thing that is measured.
pub struct Row {
    name: String,
    samples: Vec<Duration>,
}

impl Row {
    /// Nothing measured yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), samples: Vec::new() }
    }

    /// One more.
    pub fn add(&mut self, sample: Duration) {
        self.samples.push(sample);
    }

    /// The value that so many percent of the samples do not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable();
        let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(index).copied().expect("something was measured")
    }
}

/// The rows as Markdown; ratios are of medians, against the row `base`.
pub fn print(title: &str, rows: &[Row], base: usize) {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!("\n| {title} | p50 µs | p99 µs | × {} |\n|---|---|---|---|", rows[base].name);
    let base = micros(rows[base].percentile(50));
    for row in rows {
        let (median, late) = (micros(row.percentile(50)), micros(row.percentile(99)));
        println!("| {} | {median:.0} | {late:.0} | {:.2} |", row.name, median / base);
    }
}
