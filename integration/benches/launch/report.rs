//! What was measured, on its way to people: each table is printed when it is whole, and all of them go into files at the end.

use crate::picture;
use crate::table::Table;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// Where the files go; nowhere without it, as in the guest, whose disks are thrown away.
const PLACE: &str = "IRONCELL_BENCH_DIR";

/// The tables so far.
#[derive(Debug, Default)]
pub struct Report {
    heading: String,
    tables: Vec<Table>,
    notes: Vec<String>,
}

impl Report {
    /// Begins with this.
    pub fn new(heading: String) -> Self {
        println!("{heading}");
        Self { heading, ..Self::default() }
    }

    /// One more table.
    pub fn add(&mut self, table: Table) {
        print!("{}", table.markdown());
        self.tables.push(table);
    }

    /// A sentence beside the tables.
    pub fn note(&mut self, note: String) {
        println!("\n{note}");
        self.notes.push(note);
    }

    /// `bench.md`, `bench.json` and `bench.svg`.
    pub fn write(&self) {
        let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
        let tables: String = self.tables.iter().map(Table::markdown).collect();
        let notes: String = self.notes.iter().map(|note| format!("\n{note}\n")).collect();
        let json = json!({
            "heading": self.heading,
            "tables": self.tables.iter().map(Table::json).collect::<Vec<Value>>(),
            "notes": self.notes,
        });
        let files = [
            ("bench.md", format!("{}\n{tables}{notes}", self.heading)),
            ("bench.json", format!("{json:#}\n")),
            ("bench.svg", picture::of(&self.tables)),
        ];
        fs::create_dir_all(&place).expect("the directory for the files is made");
        for (name, content) in files {
            fs::write(place.join(name), content).expect("a file is written");
        }
        println!("\nbench.md, bench.json and bench.svg are in {}", place.display());
    }
}
