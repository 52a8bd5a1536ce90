//! Samples, and what is said of them: as Markdown at once, as JSON and as a picture when all is measured.

use serde_json::{Value, json};
use std::time::Duration;

/// One thing that is measured.
#[derive(Debug)]
pub struct Row {
    /// What, for people.
    pub name: String,
    samples: Vec<f64>,
}

/// What a table's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds: less is better.
    Micros,
    /// So many a second: more is better.
    Rate(&'static str),
}

/// Rows that are compared with one of them.
#[derive(Debug)]
pub struct Table {
    /// What is measured.
    pub title: String,
    /// The numbers' unit.
    pub unit: Unit,
    /// The rows.
    pub rows: Vec<Row>,
    /// The row that the others are compared with.
    pub base: usize,
}

impl Row {
    /// Nothing measured yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), samples: Vec::new() }
    }

    /// One more time.
    pub fn add(&mut self, sample: Duration) {
        self.samples.push(sample.as_secs_f64() * 1e6);
    }

    /// One more rate.
    pub fn add_rate(&mut self, sample: f64) {
        self.samples.push(sample);
    }

    /// The value that so many percent of the samples do not exceed.
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(index).copied().expect("something was measured")
    }
}

impl Unit {
    /// For a heading.
    pub fn words(self) -> &'static str {
        match self {
            Self::Micros => "µs",
            Self::Rate(what) => what,
        }
    }

    /// The value on the bad side that most samples stay clear of: of times the 99th percentile, of rates the first.
    pub fn bad(self) -> usize {
        if self == Self::Micros { 99 } else { 1 }
    }

    fn shown(self, value: f64) -> String {
        if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
    }
}

impl Table {
    /// Times.
    pub fn of_times(title: &str, rows: impl Into<Vec<Row>>, base: usize) -> Self {
        Self { title: title.to_owned(), unit: Unit::Micros, rows: rows.into(), base }
    }

    /// Rates.
    pub fn of_rates(title: &str, unit: &'static str, rows: impl Into<Vec<Row>>, base: usize) -> Self {
        Self { title: title.to_owned(), unit: Unit::Rate(unit), rows: rows.into(), base }
    }

    /// As Markdown; ratios are of medians.
    pub fn markdown(&self) -> String {
        let (unit, bad) = (self.unit.words(), self.unit.bad());
        let Row { name, .. } = &self.rows[self.base];
        let mut text = format!("\n| {} | p50 {unit} | p{bad} {unit} | × {name} |\n|---|---|---|---|\n", self.title);
        let base = self.rows[self.base].percentile(50);
        for row in &self.rows {
            let (median, late) = (row.percentile(50), row.percentile(bad));
            let (shown, late) = (self.unit.shown(median), self.unit.shown(late));
            text += &format!("| {} | {shown} | {late} | {:.2} |\n", row.name, median / base);
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let base = self.rows[self.base].percentile(50);
        let row = |row: &Row| {
            let median = row.percentile(50);
            let (bad, samples) = (row.percentile(self.unit.bad()), row.samples.len());
            json!({ "name": row.name, "p50": median, "bad": bad, "ratio": median / base, "samples": samples })
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        json!({ "title": self.title, "unit": self.unit.words(), "base": self.base, "rows": rows })
    }
}
