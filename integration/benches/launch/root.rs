//! The root of the measured cell as the floor builds it, read from the plan's own drawing.

use ironcell::supervise::Drawing;
use std::ffi::CString;
use std::path::Path;

/// One thing in the root.
pub struct Entry {
    /// Where, from the root on and without its `/`.
    pub path: CString,
    /// What.
    pub what: What,
}

/// What can be in a root.
pub enum What {
    /// A directory.
    Directory,
    /// A symbolic link to this.
    Link(CString),
    /// A file with this content.
    File(Vec<u8>),
    /// A directory of the host.
    BindDirectory(CString),
    /// A file of the host.
    BindFile(CString),
    /// A device of the host.
    Device(CString),
    /// A tmpfs with these options.
    Tmpfs(CString),
    /// A proc of its own.
    Proc,
    /// A devpts of its own.
    Pts,
}

/// The entries of a plan, and the directories on the way to them.
pub fn entries(drawing: &Drawing) -> Vec<Entry> {
    let mounts = drawing.sections.iter().find(|section| section.title == "mounts").expect("a plan has mounts");
    let mut entries: Vec<Entry> = Vec::new();
    for line in &mounts.lines {
        let (path, words) = line.split_once("  ").unwrap_or_else(|| panic!("no path in {line:?}"));
        for above in Path::new(path).ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
            let above = inside(above);
            if !above.is_empty() && entries.iter().all(|entry| entry.path != above) {
                entries.push(Entry { path: above, what: What::Directory });
            }
        }
        entries.push(Entry { path: inside(Path::new(path)), what: what(path, words) });
    }
    entries
}

/// A path as seen from the root.
fn inside(path: &Path) -> CString {
    c_string(path.strip_prefix("/").expect("paths of a root are absolute").to_str().expect("text"))
}

fn c_string(text: &str) -> CString {
    CString::new(text).expect("no NUL in a drawing")
}

/// What the words of a line stand for. One that is not known fails: else the floor would do less than the cell.
fn what(path: &str, words: &str) -> What {
    let number = |text: &str| -> usize { text.split(' ').next().and_then(|n| n.parse().ok()).expect("a number") };
    if let Some(target) = words.strip_prefix("-> ") {
        What::Link(c_string(target))
    } else if let Some(size) = words.strip_prefix("file of ") {
        What::File(vec![b'#'; number(size)])
    } else if let Some(source) = words.strip_prefix("bind ") {
        let source = source.split(" read-only").next().expect("a source");
        let of = if Path::new(source).is_dir() { What::BindDirectory } else { What::BindFile };
        of(c_string(source))
    } else if words.starts_with("device ") {
        What::Device(c_string(path))
    } else if let Some(size) = words.strip_prefix("tmpfs of ") {
        What::Tmpfs(c_string(&format!("size={},mode=1777", number(size))))
    } else if words.starts_with("proc") {
        What::Proc
    } else if words.starts_with("devpts") {
        What::Pts
    } else if words.starts_with("directory ") {
        What::Directory
    } else {
        panic!("the floor does not know {words:?} at {path}")
    }
}
