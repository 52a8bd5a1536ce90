//! The command line of `ironcelld`.

use super::daemon_man;
use super::voice::harmless;
use crate::rpc::config::{Asked, KEYS, schema};
use crate::rpc::daemon::{self, DaemonError, PROGRAM, UNIT};
use crate::supervise::WARM_MOST;
use clap::builder::RangedU64ValueParser;
use clap::{CommandFactory, Parser};
use clap_complete::{Shell, generate};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

/// The daemon failed: it can be tried again.
const FAILED: u8 = 1;
/// It is asked for, or configured, in a way that it cannot run: to try again is of no use, and its systemd unit does not.
/// It is clap's own code, too.
const MISUSED: u8 = 2;

/// Runs commands on Linux in cells, for many clients: over TLS with certificates, and over a Unix socket for root. SIGTERM
/// ends the daemon and leaves its jobs; SIGHUP reloads the configuration, keys, certificates and revocation lists.
#[derive(Debug, Parser)]
#[command(name = "ironcelld", version)]
pub struct DaemonArgs {
    /// The configuration, TOML; /etc/ironcell/ironcelld.toml, if that is there
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Cells that are built ahead and wait for jobs, in place of the configuration's `jobs.warm`
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(0..=WARM_MOST as u64))]
    pub warm: Option<usize>,
    /// Look at the configuration and all that it names, say what is wrong, and do nothing else
    #[arg(long, group = "instead")]
    pub check_config: bool,
    /// Print a configuration with every key, its meaning and its default
    #[arg(long, group = "instead")]
    pub print_config: bool,
    /// Print the JSON schema of the configuration
    #[arg(long, group = "instead")]
    pub print_config_schema: bool,
    /// Print the unit for systemd
    #[arg(long, group = "instead")]
    pub print_unit: bool,
    /// Print the manual page, for man(1): `ironcelld --man | man -l -`
    #[arg(long, group = "instead")]
    pub man: bool,
    /// Print the completions for a shell
    #[arg(long, value_name = "SHELL", group = "instead")]
    pub completions: Option<Shell>,
}

impl DaemonArgs {
    fn asked(&self) -> Asked {
        Asked { file: self.config.clone(), warm: self.warm }
    }
}

/// The program: from its arguments to its exit code.
pub fn main(argv: impl IntoIterator<Item = OsString>) -> u8 {
    let args = match DaemonArgs::try_parse_from(argv) {
        Ok(args) => args,
        Err(error) => {
            // There is nobody to tell when the terminal is gone.
            let _ = error.print();
            return if error.use_stderr() { MISUSED } else { 0 };
        }
    };
    let mut out = io::stdout();
    let printed = match &args {
        DaemonArgs { print_config: true, .. } => out.write_all(config().as_bytes()),
        DaemonArgs { print_config_schema: true, .. } => out.write_all(schema().as_bytes()),
        DaemonArgs { print_unit: true, .. } => out.write_all(unit(std::env::current_exe().ok()).as_bytes()),
        DaemonArgs { man: true, .. } => daemon_man::man(DaemonArgs::command(), &mut out),
        DaemonArgs { completions: Some(shell), .. } => out.write_all(&completions(*shell)),
        DaemonArgs { check_config: true, .. } => return checked(&args, &mut out),
        _ => return run(&args),
    };
    if printed.and_then(|()| out.flush()).is_err() { FAILED } else { 0 }
}

/// Runs the daemon.
fn run(args: &DaemonArgs) -> u8 {
    let asked = args.asked();
    let ended = asked.read().map_err(DaemonError::Config).and_then(|config| daemon::run(config, asked));
    match ended {
        Ok(()) => 0,
        Err(error) => {
            say(&error.to_string());
            if matches!(error, DaemonError::Config(_)) { MISUSED } else { FAILED }
        }
    }
}

/// Says what is wrong with the configuration.
fn checked(args: &DaemonArgs, out: &mut dyn Write) -> u8 {
    let warnings = match args.asked().read().and_then(|config| config.check()) {
        Ok(warnings) => warnings,
        Err(error) => {
            say(&error.to_string());
            return MISUSED;
        }
    };
    for warning in &warnings {
        say(&format!("warning: {}", warning.0));
    }
    if writeln!(out, "the configuration is good").is_err() { FAILED } else { 0 }
}

/// One line, marked as ours. That nobody may listen is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "ironcelld: {}", harmless(line));
}

/// A configuration that says what is so in any case.
fn config() -> String {
    let mut text =
        "# The configuration of ironcelld. What is commented out is the default, or an example.\n".to_owned();
    let mut section = "";
    for key in &KEYS {
        if key.section != section {
            section = key.section;
            text += &format!("\n[{section}]\n");
        }
        let value = key.default().unwrap_or_else(|| example(key.name).to_owned());
        text += &format!("# {}\n#{} = {value}\n", key.doc, key.name);
    }
    text
}

/// What a key without a default could be.
fn example(name: &str) -> &'static str {
    match name {
        "metrics" => "\"127.0.0.1:9464\"",
        "listen" => "\"0.0.0.0:7443\"",
        "cert" => "\"/etc/ironcell/pki/daemon.crt\"",
        "key" => "\"/etc/ironcell/pki/daemon.key\"",
        "crl" => "\"/etc/ironcell/pki/ca.crl\"",
        _ => "\"/etc/ironcell/pki/ca.crt\"",
    }
}

/// The unit, for the program where it is.
fn unit(program: Option<PathBuf>) -> String {
    match program.as_deref().and_then(|path| path.to_str()) {
        Some(path) if !path.contains([' ', '%', '"', '\'', '\\', '$']) => UNIT.replace(PROGRAM, path),
        _ => UNIT.to_owned(),
    }
}

/// They are made in memory first: the generator panics when it cannot write.
fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    generate(shell, &mut DaemonArgs::command(), "ironcelld", &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::config::Config;
    use clap::ValueEnum;

    #[test]
    fn the_definition_of_the_flags_is_sound_and_one_thing_is_asked_at_a_time() {
        DaemonArgs::command().debug_assert();
        assert!(DaemonArgs::try_parse_from(["ironcelld", "--man", "--print-unit"]).is_err());
        for (cells, good) in [("0", true), ("256", true), ("257", false), ("-1", false), ("many", false)] {
            assert_eq!(DaemonArgs::try_parse_from(["ironcelld", "--warm", cells]).is_ok(), good, "{cells}");
        }
        assert_eq!(main(["ironcelld", "--frobnicate"].map(OsString::from)), MISUSED);
    }

    #[test]
    fn the_configuration_that_is_printed_is_the_default_and_good_without_its_marks() {
        let text = config();
        assert_eq!(Config::parse("c", &text).expect("good"), Config::default());
        let bare: String = text
            .lines()
            .map(|line| line.strip_prefix('#').filter(|line| !line.starts_with(' ')).unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        let read = Config::parse("c", &bare).expect(&bare);
        assert!(read.remote().expect("all files are named").is_some());
        assert_eq!(Config { remote: Config::default().remote, metrics: None, ..read }, Config::default());
    }

    #[test]
    fn a_configuration_of_no_use_has_a_code_of_its_own() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let path = dir.path().join("c.toml");
        std::fs::write(&path, "sokcet = 1").expect("written");
        let line = ["ironcelld", "--check-config", "--config", path.to_str().expect("text")];
        assert_eq!(main(line.map(OsString::from)), MISUSED);
        std::fs::write(&path, "").expect("written");
        assert_eq!(main(line.map(OsString::from)), 0);
    }

    #[test]
    fn the_unit_starts_the_program_where_it_is() {
        assert!(unit(Some("/opt/x/ironcelld".into())).contains("\nExecStart=/opt/x/ironcelld\n"));
        assert_eq!(unit(Some("/opt/a b".into())), UNIT);
        assert_eq!(unit(None), UNIT);
    }

    #[test]
    fn every_shell_learns_every_flag() {
        for shell in Shell::value_variants() {
            let text = String::from_utf8(completions(*shell)).expect("text");
            assert!(text.contains("check-config") && text.contains("print-unit"), "{shell}");
        }
    }
}
