//! From the text of a configuration to its values, one key after the other; what is wrong is told with file, line and key.

use super::keys::{KEYS, Key, Place};
use super::{Config, ConfigError, LogFormat, PLACE, Shown};
use crate::spec::units::{duration, size};
use crate::spec::{self, Profile, SpecError};
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of a configuration: a thousand directories fit.
const MOST_BYTES: u64 = 256 << 10;

/// Reads the file that was named, or the usual one.
pub(super) fn load(named: Option<&Path>) -> Result<Config, ConfigError> {
    let path = named.unwrap_or(Path::new(PLACE));
    let unusable = |problem: String, remedy| ConfigError::Unusable { path: path.to_owned(), problem, remedy };
    let unread = |error: io::Error| unusable(format!("it cannot be read: {error}"), "name a file that can be read");
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(error) => return Err(unread(error)),
    };
    let about = file.metadata().map_err(unread)?;
    let own = std::fs::metadata("/proc/self").map_err(unread)?.uid();
    // Whoever writes this file says what a daemon that is root does.
    if ![0, own].contains(&about.uid()) || about.mode() & 0o022 != 0 {
        let problem = format!("others can write to it (user {}, mode {:04o})", about.uid(), about.mode() & 0o7777);
        return Err(unusable(problem, "chown root; chmod 644"));
    }
    let mut text = String::new();
    file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(unread)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(unusable(format!("it is larger than {MOST_BYTES} bytes"), "is it the right file?"));
    }
    Ok(parse(&path.display().to_string(), &text)?)
}

/// Reads a text.
pub(super) fn parse(name: &str, text: &str) -> Result<Config, SpecError> {
    let reader = Reader { name, text };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let shown = text[line..].lines().next().unwrap_or_default();
        SpecError::new(reader.place(at), shown, error.message().replace('\n', ", "), "write TOML")
    })?;
    let mut config = Config::default();
    reader.table("", table.get_ref(), &mut config)?;
    Ok(config)
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
}

/// A value and where it begins.
type Node<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    /// `FILE:LINE:COLUMN`.
    fn place(&self, at: usize) -> String {
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        format!("{}:{line}:{column}", self.name)
    }

    fn refuse(&self, key: &str, node: &Node, problem: &str, expected: &str) -> SpecError {
        let field = format!("{}: {key}", self.place(node.span().start));
        SpecError::new(field, &self.text[node.span()], problem, expected)
    }

    fn table(&self, section: &str, table: &DeTable, config: &mut Config) -> Result<(), SpecError> {
        for (name, node) in table {
            let name = name.get_ref().as_ref();
            if let Some(key) = KEYS.iter().find(|key| key.section == section && key.name == name) {
                self.fill(key, node, config)?;
                continue;
            }
            match node.get_ref() {
                DeValue::Table(inner) if section.is_empty() && KEYS.iter().any(|key| key.section == name) => {
                    self.table(name, inner, config)?;
                }
                _ => return Err(self.unknown(section, name, node)),
            }
        }
        Ok(())
    }

    fn unknown(&self, section: &str, name: &str, node: &Node) -> SpecError {
        let here = KEYS.iter().filter(|key| key.section == section).map(|key| key.name.to_owned());
        let mut known: Vec<String> = here.collect();
        if section.is_empty() {
            let mut sections: Vec<String> = KEYS.iter().map(|key| format!("[{}]", key.section)).collect();
            sections.dedup();
            known.extend(sections.into_iter().filter(|section| section != "[]"));
        }
        let elsewhere = KEYS.iter().find(|key| key.name == name.replace('-', "_"));
        let expected = match elsewhere {
            Some(key) => format!("write {}", key.full_name()),
            None => format!("the keys are {}", known.join(", ")),
        };
        let name = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
        self.refuse(&name, node, "there is no such key", &expected)
    }

    fn fill(&self, key: &Key, node: &Node, config: &mut Config) -> Result<(), SpecError> {
        let name = key.full_name();
        let refuse = |problem: &str, expected: &str| self.refuse(&name, node, problem, expected);
        let told = |error: SpecError| refuse(&error.problem, &error.expected);
        let text = |expected: &str| node.get_ref().as_str().ok_or_else(|| refuse("it is no text", expected));
        const PATH: &str = "write an absolute path";
        match (key.place)(config) {
            Place::Path(place) => *place = absolute(text(PATH)?).ok_or_else(|| refuse("it is not absolute", PATH))?,
            Place::MaybePath(place) => {
                *place = Some(absolute(text(PATH)?).ok_or_else(|| refuse("it is not absolute", PATH))?);
            }
            Place::Paths(place) => *place = self.list(&name, node, absolute, "write a list of absolute paths")?,
            Place::Address(place) => {
                const ADDRESS: &str = "write ADDRESS:PORT, as 0.0.0.0:7443 or [::]:7443";
                *place = Some(text(ADDRESS)?.parse().map_err(|_| refuse("it is no address", ADDRESS))?);
            }
            Place::Switch(place) => {
                const SWITCH: &str = "write true or false";
                *place = node.get_ref().as_bool().ok_or_else(|| refuse("it is neither true nor false", SWITCH))?;
            }
            Place::Count(place, range) => *place = self.count(&name, node, range)?,
            Place::Small(place, range) => *place = self.count(&name, node, range)?,
            Place::Time(place, range) => *place = self.time(&name, node, range)?,
            Place::Size(place) => *place = size(&name, &amount(node)).map_err(told)?,
            Place::Profiles(place) => {
                let read = |word: &str| Profile::ALL.into_iter().find(|profile| profile.word() == word);
                *place = self.list(&name, node, read, "write a list of strict, default, build or compat")?;
            }
            Place::Log(place) => {
                const LOG: &str = "write auto, text, json or journald";
                let word = text(LOG)?;
                let format = LogFormat::ALL.into_iter().find(|format| format.word() == word);
                *place = format.ok_or_else(|| refuse("no log is written so", LOG))?;
            }
            Place::Shown(place) => {
                *place = Some(shown(text(SHOWN)?).map_err(|problem| refuse(problem, SHOWN))?);
            }
        }
        Ok(())
    }

    fn list<T>(
        &self,
        key: &str,
        node: &Node,
        read: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Vec<T>, SpecError> {
        let items = node.get_ref().as_array().ok_or_else(|| self.refuse(key, node, "it is no list", expected))?;
        let one = |item: &Node| {
            let read = item.get_ref().as_str().and_then(&read);
            read.ok_or_else(|| self.refuse(key, item, "it has no meaning here", expected))
        };
        items.iter().map(one).collect()
    }

    fn count<T>(&self, key: &str, node: &Node, range: RangeInclusive<T>) -> Result<T, SpecError>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let number = node.get_ref().as_integer().filter(|number| number.radix() == 10);
        let count = number.and_then(|number| number.as_str().parse().ok()).filter(|count| range.contains(count));
        let expected = format!("write a whole number, {} to {}", range.start(), range.end());
        count.ok_or_else(|| self.refuse(key, node, "it is out of range", &expected))
    }

    fn time(&self, key: &str, node: &Node, range: RangeInclusive<u64>) -> Result<Duration, SpecError> {
        let read =
            duration(key, &amount(node)).map_err(|error| self.refuse(key, node, &error.problem, &error.expected))?;
        let (least, most) = (Duration::from_secs(*range.start()), Duration::from_secs(*range.end()));
        if read < least || read > most {
            let expected = format!("write {}s to {}s", range.start(), range.end());
            return Err(self.refuse(key, node, "it is out of range", &expected));
        }
        Ok(read)
    }
}

/// What an address of the metrics can be.
const SHOWN: &str = "write unix:///PATH, 127.0.0.1:PORT or [::1]:PORT";

/// Where the metrics are shown, or why not there.
fn shown(text: &str) -> Result<Shown, &'static str> {
    if let Some(path) = text.strip_prefix("unix://") {
        return absolute(path).map(Shown::Socket).ok_or("its path is not absolute");
    }
    let address: SocketAddr = text.parse().map_err(|_| "it is no address")?;
    if ![IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].contains(&address.ip()) {
        return Err("whoever comes there reads them without saying who he is, so nobody else than this host may");
    }
    if address.port() == 0 { Err("nobody could find the port 0") } else { Ok(Shown::Port(address)) }
}

/// A text, or a number as it was typed.
fn amount(node: &Node) -> String {
    match node.get_ref() {
        DeValue::String(text) => text.clone().into_owned(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        // Read by nobody: the units refuse it.
        other => format!("a value of the type {}", other.type_str()),
    }
}

/// An absolute path, without `.`, `..` or a closing slash; the policy compares such paths name by name.
fn absolute(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let plain = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
    spec::absolute("", Path::new("/"), path).ok().filter(|_| plain)
}
