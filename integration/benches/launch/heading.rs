//! When, where and how it was measured: above the tables, and in one line of the picture.

use integration::support::lane;
use std::process::Command;

/// All that is said of it.
#[derive(Debug, Default)]
pub struct Heading {
    date: String,
    kernel: String,
    processors: usize,
    rounds: usize,
    settings: Vec<String>,
}

impl Heading {
    /// Of now and here.
    pub fn new(rounds: usize, settings: &[(String, String)]) -> Self {
        let date = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]).output().expect("date(1)").stdout;
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel's release");
        Self {
            date: String::from_utf8_lossy(&date).trim().to_owned(),
            kernel: kernel.trim().to_owned(),
            processors: std::thread::available_parallelism().expect("a number of processors").into(),
            rounds,
            settings: settings.iter().map(|(file, value)| format!("{file} {value}")).collect(),
        }
    }

    /// Above the tables.
    pub fn text(&self) -> String {
        let place = match lane().as_str() {
            "" | "host" => "this machine".to_owned(),
            lane => format!("the test VM, lane {lane} (emulated unless it has KVM: only ratios mean anything)"),
        };
        let command = if lane() == "host" { "cargo vm bench --host" } else { "cargo vm bench" };
        let Self { date, kernel, processors, rounds, settings } = self;
        format!(
            "Costs on {place}, {date}\n- Linux {kernel}, {processors} processors; `{command}`, {rounds} rounds by turns\n- \
             limits of each cell and of the floor: {}",
            if settings.is_empty() { "none".to_owned() } else { settings.join(", ") }
        )
    }

    /// In the picture.
    pub fn line(&self) -> String {
        let Self { date, kernel, processors, rounds, settings } = self;
        let day = date.split(' ').next().unwrap_or_default();
        let kernel = kernel.split('-').next().unwrap_or_default();
        // Some files of the cgroup are written in any case.
        let limited = settings.iter().any(|setting| setting.starts_with("memory.max "));
        let limits = if limited { "memory and processes limited" } else { "no limits" };
        format!("Linux {kernel}, {processors} processors, {limits}; medians of {rounds} rounds by turns, {day}")
    }
}
