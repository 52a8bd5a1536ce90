//! Where the image's packages come from: the mirrors that this machine's own apt uses, so that a proxy or a mirror
//! behind a wall works here too; Debian's public address where it names none. The machine's apt itself is only read.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// Debian's keys, as its own package places them.
pub const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

const MAIN: &str = "http://deb.debian.org/debian";
const SECURITY: &str = "http://deb.debian.org/debian-security";

/// Settings of apt that say how to reach a mirror. All others, such as what to fetch and keep, are the image's own.
const SETTINGS: [&str; 5] =
    ["Acquire::http::", "Acquire::https::", "Acquire::Check-", "Acquire::ForceIPv", "Acquire::Retries"];

/// A mirror of one suite as apt knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mirror {
    uri: String,
    keyring: String,
}

/// Writes `sources.list` and `apt.conf` for `image.sh`.
pub fn write(directory: &Path) -> Result<()> {
    let targets = ask("apt-get", &["indextargets"]);
    let sources = sources_list(&targets, |entry| fs::read_to_string(entry).ok());
    fs::write(directory.join("sources.list"), sources).context("cannot write sources.list")?;
    let settings = apt_conf(&ask("apt-config", &["dump", "Acquire"]));
    fs::write(directory.join("apt.conf"), settings).context("cannot write apt.conf")
}

/// What apt says about itself; a machine whose apt says nothing gets the public mirror.
fn ask(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

fn sources_list(targets: &str, read: impl Fn(&str) -> Option<String>) -> String {
    let public = |uri: &str| Mirror { uri: uri.to_owned(), keyring: KEYRING.to_owned() };
    let main = mirror_of(targets, "bookworm", &read).unwrap_or_else(|| public(MAIN));
    let security = mirror_of(targets, "bookworm-security", &read).unwrap_or_else(|| public(SECURITY));
    let backports = mirror_of(targets, "bookworm-backports", &read).unwrap_or_else(|| main.clone());
    let suites = [
        ("bookworm", &main),
        ("bookworm-updates", &main),
        ("bookworm-security", &security),
        ("bookworm-backports", &backports),
    ];
    let line =
        |(suite, Mirror { uri, keyring }): (&str, &Mirror)| format!("deb [signed-by={keyring}] {uri} {suite} main\n");
    suites.into_iter().map(line).collect()
}

/// The first mirror of `suite` in the answer of `apt-get indextargets`: stanzas of `Field: value`.
fn mirror_of(targets: &str, suite: &str, read: impl Fn(&str) -> Option<String>) -> Option<Mirror> {
    targets.split("\n\n").find_map(|stanza| {
        let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        // A third party may call its suite after Debian's. An origin is known once apt has fetched the lists.
        if field("Release")? != suite || field("Component")? != "main" || field("Origin").is_some_and(|o| o != "Debian")
        {
            return None;
        }
        let uri = field("Repo-URI")?.trim_end_matches('/').to_owned();
        let entry = field("Sourcesentry").and_then(|entry| entry.rsplit_once(':'));
        let keyring = entry.and_then(|(file, _)| keyring_in(&read(file)?)).unwrap_or_else(|| KEYRING.to_owned());
        Some(Mirror { uri, keyring })
    })
}

/// The keyring that a file of sources names, in either format; a mirror may be signed with keys of its own.
fn keyring_in(sources: &str) -> Option<String> {
    sources.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let value = match line.strip_prefix("Signed-By:") {
            Some(value) => value.trim(),
            None => line.split_once("signed-by=")?.1.split([' ', ']', ',']).next()?,
        };
        value.starts_with('/').then(|| value.to_owned())
    })
}

/// Those lines of `apt-config dump` that say how to reach a mirror.
fn apt_conf(dump: &str) -> String {
    let wanted = |line: &&str| SETTINGS.iter().any(|prefix| line.starts_with(prefix)) && !line.ends_with(" \"\";");
    dump.lines().filter(wanted).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGETS: &str = "\
Release: bookworm
Component: main
Origin: Elsewhere
Repo-URI: http://third.example/debian/

Release: bookworm
Component: main
Origin: Debian
Repo-URI: http://mirror.example/debian/
Sourcesentry: /etc/apt/sources.list.d/debian.sources:1

Release: bookworm-security
Component: main
Repo-URI: http://mirror.example/security
";

    #[test]
    fn the_machines_own_mirrors_are_used() {
        let read = |file: &str| {
            assert_eq!(file, "/etc/apt/sources.list.d/debian.sources");
            Some("Types: deb\nSigned-By: /keys/own.gpg\n".to_owned())
        };
        let expected = format!(
            "deb [signed-by=/keys/own.gpg] http://mirror.example/debian bookworm main\n\
             deb [signed-by=/keys/own.gpg] http://mirror.example/debian bookworm-updates main\n\
             deb [signed-by={KEYRING}] http://mirror.example/security bookworm-security main\n\
             deb [signed-by=/keys/own.gpg] http://mirror.example/debian bookworm-backports main\n"
        );
        assert_eq!(sources_list(TARGETS, read), expected);
    }

    #[test]
    fn without_an_answer_the_public_mirror_is_used() {
        let list = sources_list("", |_| None);
        assert_eq!(list.lines().count(), 4);
        assert!(list.lines().all(|line| line.contains(MAIN) && line.contains(KEYRING)), "{list}");
    }

    #[test]
    fn keyrings_are_found_in_both_formats() {
        assert_eq!(keyring_in("deb [arch=amd64 signed-by=/k.gpg] http://m b main").as_deref(), Some("/k.gpg"));
        assert_eq!(keyring_in("# Signed-By: /old.gpg\nSigned-By: /k.gpg\n").as_deref(), Some("/k.gpg"));
        assert_eq!(keyring_in("Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n"), None);
        assert_eq!(keyring_in("deb http://m b main"), None);
    }

    #[test]
    fn only_settings_about_reaching_a_mirror_are_taken_over() {
        let dump = "Acquire \"\";\nAcquire::http::Proxy \"http://p\";\nAcquire::https \"\";\n\
                    Acquire::Languages:: \"de\";\nAcquire::Check-Date \"false\";\n";
        assert_eq!(apt_conf(dump), "Acquire::http::Proxy \"http://p\";\nAcquire::Check-Date \"false\";\n");
    }
}
