//! What the kernel counted for a cell: its files as [`Usage`] and [`Evidence`]. Read before the cgroup is removed.
//!
//! A file or a key that is not there is `None`, never 0: an older kernel, or a controller that is not enabled.

use super::cell::CellCgroup;
use crate::life::{Evidence, IoUsage, Pressure, Stats, Usage};
use std::time::Duration;

impl CellCgroup {
    /// What the cell used so far. Wall time, resident memory and switches are the caller's to fill in: they are not the
    /// cgroup's.
    pub fn usage(&self) -> Usage {
        let cpu = self.text("cpu.stat");
        let micros = |key| value_of(&cpu, key).map(Duration::from_micros);
        Usage {
            wall: Duration::ZERO,
            cpu_user: micros("user_usec"),
            cpu_system: micros("system_usec"),
            cpu_throttled: micros("throttled_usec"),
            cpu_throttled_periods: value_of(&cpu, "nr_throttled"),
            memory_peak: number(&self.text("memory.peak")),
            max_rss: None,
            switches_voluntary: None,
            switches_forced: None,
            swap_peak: number(&self.text("memory.swap.peak")),
            pids_peak: number(&self.text("pids.peak")),
            io: self.read("io.stat").ok().flatten().map(|text| io(&text)),
            cpu_pressure: pressure(&self.text("cpu.pressure")),
            memory_pressure: pressure(&self.text("memory.pressure")),
            io_pressure: pressure(&self.text("io.pressure")),
        }
    }

    /// The cgroup's counters that show why the cell ended. It is fresh for each cell, so they begin at 0.
    pub fn evidence(&self) -> Evidence {
        let memory = self.text("memory.events");
        Evidence {
            memory_max_events: value_of(&memory, "max"),
            memory_high_events: value_of(&memory, "high"),
            oom_kills: value_of(&memory, "oom_kill"),
            oom_group_kills: value_of(&memory, "oom_group_kill"),
            oom_events: value_of(&memory, "oom"),
            local_oom_events: value_of(&self.text("memory.events.local"), "oom"),
            pids_max_events: value_of(&self.text("pids.events"), "max"),
            memory_max: number(&self.text("memory.max")),
            pids_max: number(&self.text("pids.max")),
            ..Evidence::default()
        }
    }

    /// What the cell uses now.
    pub fn stats(&self) -> Stats {
        Stats {
            usage: self.usage(),
            memory: number(&self.text("memory.current")),
            swap: number(&self.text("memory.swap.current")),
            pids: number(&self.text("pids.current")),
            oom_kills: value_of(&self.text("memory.events"), "oom_kill"),
            paused: value_of(&self.text("cgroup.events"), "frozen") == Some(1),
        }
    }

    /// A file's text, empty where there is none. A file that cannot be read counts as not known, like one that is not
    /// there: the end of a job is told all the same.
    fn text(&self, file: &str) -> String {
        self.read(file).ok().flatten().unwrap_or_default()
    }
}

/// A file that is one number; `max` is none.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// The value of a key in a file of `key value` lines.
pub fn value_of(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// `io.stat`, summed over all disks: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`. A cgroup that did no io has
/// an empty file, which is 0.
fn io(text: &str) -> IoUsage {
    let mut sum = IoUsage::default();
    for (key, value) in text.split_whitespace().filter_map(|word| word.split_once('=')) {
        let Ok(value) = value.parse::<u64>() else { continue };
        let field = match key {
            "rbytes" => &mut sum.read_bytes,
            "wbytes" => &mut sum.write_bytes,
            "rios" => &mut sum.read_ops,
            "wios" => &mut sum.write_ops,
            _ => continue,
        };
        *field = field.saturating_add(value);
    }
    sum
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=123` and the same for `full`, microseconds. `cpu.pressure` has no
/// `full` before kernel 5.13.
pub fn pressure(text: &str) -> Option<Pressure> {
    let total = |kind: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))?;
        let total = line.split_whitespace().find_map(|word| word.strip_prefix("total="))?;
        total.parse().ok().map(Duration::from_micros)
    };
    Some(Pressure { some: total("some")?, full: total("full").unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_kernels_own_texts_are_read() {
        let events = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n";
        assert_eq!(value_of(events, "oom"), Some(3));
        assert_eq!(value_of(events, "oom_kill"), Some(2));
        assert_eq!(value_of(events, "kill"), None);
        assert_eq!((number("67108864\n"), number("max\n"), number("")), (Some(67_108_864), None, None));
        let text = "254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n7:0 rbytes=10 wbytes=20 rios=30 wios=40\n";
        assert_eq!(io(text), IoUsage { read_bytes: 11, write_bytes: 22, read_ops: 33, write_ops: 44 });
        let text =
            "some avg10=0.12 avg60=0.00 avg300=0.00 total=1500\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
        let read = pressure(text).expect("pressure");
        assert_eq!((read.some, read.full), (Duration::from_micros(1500), Duration::from_micros(7)));
        assert_eq!(pressure(""), None);
        assert_eq!(pressure("full total=9"), None);
    }

    proptest! {
        #[test]
        fn hostile_text_gives_numbers_or_nothing(text in "(some|full|oom|max|8:0|rbytes=|total=|[0-9]{0,25}|[ \n=-]|.){0,30}") {
            let _ = (number(&text), value_of(&text, "oom"), pressure(&text), io(&text));
        }

        #[test]
        fn a_sum_never_overflows(values in proptest::collection::vec(any::<u64>(), 0..6)) {
            let text: String = values.iter().map(|value| format!("8:0 rbytes={value}\n")).collect();
            let expected = values.iter().fold(0u64, |sum, value| sum.saturating_add(*value));
            prop_assert_eq!(io(&text).read_bytes, expected);
        }
    }
}
