//! From a tree to words: which keys there are, what may stand behind each, and nothing else.

use super::keys::{KEYS, Kind};
use super::print;
use super::tree::{Node, What};
use crate::spec::words::{BY_NAME, Command, MountKind, Place, Rules, Setting, Source, Word, Words};
use crate::spec::{SeccompRules, SpecError};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

/// Names that other programs and the kernel give to what is behind a key here.
const ALSO_CALLED: [(&str, &str); 16] = [
    ("memory_max", "memory"),
    ("memory_swap_max", "swap"),
    ("cpu_max", "cpus"),
    ("cpuset_cpus", "cpuset"),
    ("pids_max", "pids"),
    ("rlimits", "rlimit"),
    ("labels", "label"),
    ("environment", "env"),
    ("timeout", "time"),
    ("command", "argv"),
    ("args", "argv"),
    ("mount", "mounts"),
    ("ro", "mounts"),
    ("rw", "mounts"),
    ("tmpfs", "mounts"),
    ("network", "net"),
];

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) words: Words,
    /// The files that it begins with, in order.
    pub(super) extends: Vec<Word>,
}

/// All members of the outermost table.
pub(super) fn read(source: Arc<Source>, members: &[(String, Node)]) -> Result<Read, SpecError> {
    let reader = Reader { source };
    let mut read = Read::default();
    let (mut files, mut settings) = (Vec::new(), Vec::new());
    for (name, node) in members {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else { return Err(reader.unknown(name, node)) };
        let words = &mut read.words;
        match key.kind {
            Kind::Text => _ = words.ones.insert(key.name, reader.word(key.name, node)?),
            Kind::Switch => _ = words.ones.insert(key.name, reader.switch(key.name, node)?),
            Kind::List if key.name == "env_file" => files = reader.list(key.name, node)?,
            Kind::List => _ = words.lists.insert(key.name, reader.list(key.name, node)?),
            Kind::ByName if BY_NAME.contains(&key.name) => {
                words.lists.insert(key.name, reader.by_name(key.name, node)?);
            }
            Kind::ByName => settings = reader.by_name(key.name, node)?,
            Kind::Mounts => words.mounts = Some(reader.mounts(key.name, node)?),
            Kind::Rules => words.rules = Some(reader.rules(key.name, node)?),
            Kind::Extends => read.extends = reader.one_or_more(key.name, node)?,
            Kind::Argv | Kind::Shell if words.command.is_some() => {
                return Err(reader.refuse(key.name, node, "argv and shell are two commands", "keep one of them"));
            }
            Kind::Argv => words.command = Some(Command::Argv(reader.list(key.name, node)?)),
            Kind::Shell => words.command = Some(reader.shell(key.name, node)?),
        }
    }
    // As with flags: variables win over files of them, whatever stands first.
    read.words.env = files.into_iter().map(Setting::File).chain(settings.into_iter().map(Setting::Set)).collect();
    Ok(read)
}

struct Reader {
    source: Arc<Source>,
}

impl Reader {
    fn place(&self, key: &str, node: &Node) -> Place {
        Place { key: key.to_owned(), file: Some((self.source.clone(), node.at)) }
    }

    fn refuse(&self, key: &str, node: &Node, problem: &str, expected: &str) -> SpecError {
        self.place(key, node).tell(SpecError::new("", print::shown(node), problem, expected))
    }

    /// The value is of the wrong kind.
    fn misfit(&self, key: &str, node: &Node, expected: &str) -> SpecError {
        self.refuse(key, node, &format!("it is {}", node.what.kind()), expected)
    }

    fn unknown(&self, name: &str, node: &Node) -> SpecError {
        let plain = name.to_ascii_lowercase().replace(['-', '.'], "_");
        let known = KEYS.iter().map(|key| key.name).find(|key| *key == plain);
        let also = ALSO_CALLED.iter().find(|(other, _)| *other == plain).map(|(_, key)| *key);
        let expected = match known.or(also) {
            Some(key) => format!("write {key}"),
            None => format!("the keys are {}", KEYS.map(|key| key.name).join(", ")),
        };
        self.refuse(&super::print::cut(name), node, "there is no such key", &expected)
    }

    /// Any bytes: a text, a number as it was typed, or `{ hex = "…" }`.
    fn word(&self, key: &str, node: &Node) -> Result<Word, SpecError> {
        const FORMS: &str = "write a text, a number, or { hex = \"ff00\" } for bytes that are no text";
        let text = match &node.what {
            What::Text(text) | What::Number(text) => text.into(),
            What::Table(members) => match &members[..] {
                [(name, Node { what: What::Text(digits), .. })] if name == "hex" => {
                    let bytes = bytes_of(digits);
                    bytes.ok_or_else(|| self.refuse(key, node, "not pairs of hexadecimal digits", FORMS))?
                }
                _ => return Err(self.misfit(key, node, FORMS)),
            },
            _ => return Err(self.misfit(key, node, FORMS)),
        };
        Ok(Word { text, place: self.place(key, node) })
    }

    fn switch(&self, key: &str, node: &Node) -> Result<Word, SpecError> {
        match node.what {
            What::Switch(on) => Ok(Word { text: on.to_string().into(), place: self.place(key, node) }),
            _ => Err(self.misfit(key, node, "write true or false, without quotes")),
        }
    }

    fn list(&self, key: &str, node: &Node) -> Result<Vec<Word>, SpecError> {
        let What::List(items) = &node.what else { return Err(self.misfit(key, node, "write a list of texts")) };
        items.iter().enumerate().map(|(index, item)| self.word(&format!("{key}[{index}]"), item)).collect()
    }

    fn one_or_more(&self, key: &str, node: &Node) -> Result<Vec<Word>, SpecError> {
        match &node.what {
            What::List(_) => self.list(key, node),
            _ => self.word(key, node).map(|word| vec![word]),
        }
    }

    /// `NAME=VALUE` each, from a table or a list.
    fn by_name(&self, key: &str, node: &Node) -> Result<Vec<Word>, SpecError> {
        let What::Table(members) = &node.what else {
            return match node.what {
                What::List(_) => self.list(key, node),
                _ => Err(self.misfit(key, node, "write a table NAME = VALUE, or a list of texts NAME=VALUE")),
            };
        };
        let named = |(name, member): &(String, Node)| {
            let key = format!("{key}.{}", print::cut(name));
            let word = self.word(&key, member)?;
            if name.contains('=') {
                return Err(self.refuse(&key, member, "its name has a =", "what is before the first = is the name"));
            }
            let mut text = OsString::from(format!("{name}="));
            text.push(&word.text);
            Ok(Word { text, ..word })
        };
        members.iter().map(named).collect()
    }

    fn mounts(&self, key: &str, node: &Node) -> Result<Vec<(MountKind, Word)>, SpecError> {
        const FORMS: &str = "write { ro = \"SRC[:DST]\" }, { rw = \"SRC[:DST]\" } or { tmpfs = \"DST[:SIZE]\" }";
        let What::List(items) = &node.what else { return Err(self.misfit(key, node, "write a list of mounts")) };
        let mount = |(index, item): (usize, &Node)| {
            let key = format!("{key}[{index}]");
            let What::Table(members) = &item.what else { return Err(self.misfit(&key, item, FORMS)) };
            let kind = |name: &str| MountKind::ALL.into_iter().find(|(word, _)| *word == name).map(|(_, kind)| kind);
            match &members[..] {
                [(name, value)] if kind(name).is_some() => {
                    let word = self.word(&format!("{key}.{name}"), value)?;
                    Ok((kind(name).unwrap_or(MountKind::ReadOnly), word))
                }
                _ => Err(self.refuse(&key, item, "not one mount", FORMS)),
            }
        };
        items.iter().enumerate().map(mount).collect()
    }

    fn shell(&self, key: &str, node: &Node) -> Result<Command, SpecError> {
        const FORMS: &str = "write a line for /bin/sh, or { script = \"a | b\", program = \"/bin/bash\" }";
        let members = match &node.what {
            What::Table(members) if !members.iter().any(|(name, _)| name == "hex") => members,
            What::Text(_) | What::Table(_) => {
                return Ok(Command::Shell { script: self.word(key, node)?, program: None });
            }
            _ => return Err(self.misfit(key, node, FORMS)),
        };
        let (mut script, mut program) = (None, None);
        for (name, member) in members {
            let place = match name.as_str() {
                "script" => &mut script,
                "program" => &mut program,
                _ => return Err(self.refuse(key, node, "it has another member", FORMS)),
            };
            *place = Some(self.word(&format!("{key}.{name}"), member)?);
        }
        let script = script.ok_or_else(|| self.refuse(key, node, "there is no script", FORMS))?;
        Ok(Command::Shell { script, program })
    }

    /// A path of a file, or the rules: their own reader is that of Docker's JSON, so they are handed to it as that.
    fn rules(&self, key: &str, node: &Node) -> Result<Rules, SpecError> {
        match &node.what {
            What::Table(members) if !members.iter().any(|(name, _)| name == "hex") => {
                let rules: Result<SeccompRules, _> = serde_json::from_str(&print::json(node));
                let told = |error: serde_json::Error| {
                    let text = error.to_string();
                    let problem = text.split(" at line ").next().unwrap_or_default().to_owned();
                    self.refuse(key, node, &problem, "write the members of a seccomp profile of Docker's")
                };
                Ok(Rules::Here(Box::new(rules.map_err(told)?), self.place(key, node)))
            }
            _ => self.word(key, node).map(Rules::File),
        }
    }
}

/// Pairs of digits.
fn bytes_of(digits: &str) -> Option<OsString> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>().map(OsString::from_vec)
}
