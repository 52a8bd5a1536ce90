//! A real job: a C project compiled by make and gcc in a cell, with limits, from a read-only source to a writable output.

use integration::limits::{MIB, count, scratch, text};
use integration::support::report;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::Command;

/// An ordinary user of the host, who owns the output.
const OWNER: u32 = 1000;

const FILES: [(&str, &str); 5] = [
    (
        "Makefile",
        "CFLAGS = -O2 -Wall -Wextra -Werror
OBJECTS = $(OUT)/main.o $(OUT)/primes.o $(OUT)/print.o

$(OUT)/primes: $(OBJECTS)
\t$(CC) -o $@ $(OBJECTS)

$(OUT)/%.o: %.c primes.h
\t$(CC) $(CFLAGS) -c -o $@ $<
",
    ),
    ("primes.h", "int is_prime(unsigned n);\nvoid print(unsigned count, unsigned below);\n"),
    (
        "primes.c",
        "#include \"primes.h\"
int is_prime(unsigned n) {
    for (unsigned i = 2; i * i <= n; i++)
        if (n % i == 0) return 0;
    return n > 1;
}
",
    ),
    (
        "print.c",
        "#include <stdio.h>
#include \"primes.h\"
void print(unsigned count, unsigned below) { printf(\"%u primes below %u\\n\", count, below); }
",
    ),
    (
        "main.c",
        "#include \"primes.h\"
int main(void) {
    unsigned count = 0;
    for (unsigned n = 0; n < 1000; n++) count += is_prime(n);
    print(count, 1000);
    return 0;
}
",
    ),
];

/// Writes the project and makes an empty output beside it, which belongs to its own user.
fn lay_out(directory: &Path) -> (String, String) {
    let (source, output) = (directory.join("source"), directory.join("output"));
    std::fs::create_dir(&source).expect("a directory for the source");
    std::fs::create_dir(&output).expect("a directory for the output");
    for (name, content) in FILES {
        std::fs::write(source.join(name), content).expect("a file of the source");
    }
    chown(&output, Some(OWNER), Some(OWNER)).expect("the output is given away");
    (text(&source).to_owned(), text(&output).to_owned())
}

#[test]
fn a_project_is_built_within_its_limits_and_the_result_belongs_to_the_outputs_owner() {
    let directory = scratch();
    let (source, output) = lay_out(directory.path());
    let limits = ["--memory", "512M", "--cpus", "1", "--pids", "64", "--ro", &source, "--rw", &output];
    let out = format!("OUT={output}");
    let make = ["--cwd", &source, "--", "make", "--silent", "-j2", &out];
    let (ran, report) = report(&[&limits[..], &make].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");

    let program = Path::new(&output).join("primes");
    let found = std::fs::metadata(&program).expect("the program was linked");
    assert_eq!((found.uid(), found.gid()), (OWNER, OWNER));
    let said = Command::new(&program).output().expect("it runs on the host");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "168 primes below 1000\n");

    let peak = count(&report, "/usage/memory_peak");
    assert!((MIB..512 * MIB).contains(&peak), "{report:#}");
    assert!((4..=64).contains(&count(&report, "/usage/pids_peak")), "make, gcc and what it starts: {report:#}");
    assert_eq!(std::fs::read_dir(&source).expect("the source").count(), FILES.len(), "nothing was written there");
}

#[test]
fn a_build_that_writes_to_its_source_fails() {
    let directory = scratch();
    let (source, output) = lay_out(directory.path());
    let out = format!("OUT={source}");
    let (ran, _) = report(&["--ro", &source, "--rw", &output, "--cwd", &source, "--", "make", "--silent", &out]);
    assert!(ran.code != 0 && ran.err.contains("Read-only file system"), "{ran:?}");
}
