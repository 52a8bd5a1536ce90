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

/// Rows that are compared with one of them, or each with its own.
#[derive(Debug)]
pub struct Table {
    /// What is measured.
    pub title: String,
    /// The numbers' unit.
    pub unit: Unit,
    /// The rows.
    pub rows: Vec<Row>,
    /// Of each row, the row that it is compared with.
    bases: Vec<usize>,
    /// What these are called.
    pub against: String,
    /// What the picture says above it; without that it is not in the picture.
    pub caption: Option<&'static str>,
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

    /// A value, with as many digits as mean anything.
    pub fn shown(self, value: f64) -> String {
        if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
    }
}

impl Table {
    /// Times.
    pub fn of_times(title: &str, rows: impl Into<Vec<Row>>, base: usize) -> Self {
        Self::new(title, Unit::Micros, rows.into(), base)
    }

    /// Rates.
    pub fn of_rates(title: &str, unit: &'static str, rows: impl Into<Vec<Row>>, base: usize) -> Self {
        Self::new(title, Unit::Rate(unit), rows.into(), base)
    }

    /// Times of pairs: a floor, and what is compared with this one.
    pub fn of_pairs(title: &str, rows: impl Into<Vec<Row>>) -> Self {
        let mut table = Self::of_times(title, rows, 0);
        table.bases = (0..table.rows.len()).map(|row| row - row % 2).collect();
        "its own floor".clone_into(&mut table.against);
        table
    }

    fn new(title: &str, unit: Unit, rows: Vec<Row>, base: usize) -> Self {
        let (bases, against) = (vec![base; rows.len()], rows[base].name.clone());
        Self { title: title.to_owned(), unit, rows, bases, against, caption: None }
    }

    /// The same, and in the picture under these words.
    pub fn pictured(self, caption: &'static str) -> Self {
        Self { caption: Some(caption), ..self }
    }

    /// A row's median, and as a multiple of the one that it is compared with.
    pub fn median(&self, row: usize) -> (f64, f64) {
        let of = |row: usize| self.rows[row].percentile(50);
        (of(row), of(row) / of(self.bases[row]))
    }

    /// As Markdown; ratios are of medians.
    pub fn markdown(&self) -> String {
        let (unit, bad) = (self.unit.words(), self.unit.bad());
        let mut text =
            format!("\n| {} | p50 {unit} | p{bad} {unit} | × {} |\n|---|---|---|---|\n", self.title, self.against);
        for (index, row) in self.rows.iter().enumerate() {
            let ((median, ratio), late) = (self.median(index), row.percentile(bad));
            let (median, late) = (self.unit.shown(median), self.unit.shown(late));
            text += &format!("| {} | {median} | {late} | {ratio:.2} |\n", row.name);
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let row = |(index, row): (usize, &Row)| {
            let ((median, ratio), bad) = (self.median(index), row.percentile(self.unit.bad()));
            let (samples, base) = (row.samples.len(), self.bases[index]);
            json!({ "name": row.name, "p50": median, "bad": bad, "ratio": ratio, "base": base, "samples": samples })
        };
        let rows: Vec<Value> = self.rows.iter().enumerate().map(row).collect();
        json!({ "title": self.title, "unit": self.unit.words(), "rows": rows })
    }
}
