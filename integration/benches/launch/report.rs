//! What was measured, on its way to people: each table is printed when it is whole, and all of them go into files at the end.

use crate::heading::Heading;
use crate::picture;
use crate::table::Table;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// Where the files go; nowhere without it, as in the guest, whose disks are thrown away.
const PLACE: &str = "IRONCELL_BENCH_DIR";

/// The picture, which the README shows as `docs/cost.svg`.
const PICTURE: &str = "cost.svg";

/// The tables so far.
#[derive(Debug, Default)]
pub struct Report {
    heading: Heading,
    tables: Vec<Table>,
    notes: Vec<String>,
}

impl Report {
    /// Begins with this.
    pub fn new(heading: Heading) -> Self {
        println!("{}", heading.text());
        Self { heading, ..Self::default() }
    }

    /// One more table.
    pub fn add(&mut self, table: Table) {
        print!("{}", table.markdown());
        self.tables.push(table);
    }

    /// Some more.
    pub fn extend(&mut self, tables: impl IntoIterator<Item = Table>) {
        tables.into_iter().for_each(|table| self.add(table));
    }

    /// A sentence beside the tables.
    pub fn note(&mut self, note: String) {
        println!("\n{note}");
        self.notes.push(note);
    }

    /// `bench.md`, `bench.json`, and the picture if what it shows was measured.
    pub fn write(&self) {
        let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
        let (heading, tables) = (self.heading.text(), self.tables.iter().map(Table::markdown).collect::<String>());
        let notes: String = self.notes.iter().map(|note| format!("\n{note}\n")).collect();
        let json = json!({
            "heading": heading,
            "tables": self.tables.iter().map(Table::json).collect::<Vec<Value>>(),
            "notes": self.notes,
        });
        let mut files =
            vec![("bench.md", format!("{heading}\n{tables}{notes}")), ("bench.json", format!("{json:#}\n"))];
        files.extend(picture::of(&self.heading.line(), &self.tables).map(|picture| (PICTURE, picture)));
        fs::create_dir_all(&place).expect("the directory for the files is made");
        // One of an earlier run would be taken for this one's.
        let _ = fs::remove_file(place.join(PICTURE));
        for (name, content) in &files {
            fs::write(place.join(name), content).expect("a file is written");
        }
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        println!("\n{} are in {}", names.join(", "), place.display());
    }
}
