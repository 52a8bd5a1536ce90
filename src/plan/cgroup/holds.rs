//! Whether what the kernel reads back is what was written.

use super::io::KEYS;
use super::{CpuList, Setting};

impl Setting {
    /// Whether `read`, the file's text after the write, says what was written. `page_size` is the kernel's: it counts
    /// memory in whole pages and rounds down.
    ///
    /// The shapes are those of cgroup-v2.rst, "Conventions" and the files' own sections.
    pub fn holds(&self, read: &str, page_size: u64) -> bool {
        let (asked, read) = (self.value.trim(), read.trim());
        match self.file.as_str() {
            "memory.oom.group" => asked == read,
            "io.max" => io_line_holds(asked, read),
            "io.weight" | "io.bfq.weight" => weight_holds(asked, read),
            "cpuset.cpus" | "cpuset.mems" => cpus_hold(asked, read),
            "cpu.max" => first_words_hold(asked, read),
            file if file.starts_with("memory.") || file.starts_with("hugetlb.") => amount_holds(asked, read, page_size),
            _ => asked == read || keyed_line_holds(asked, read),
        }
    }
}

/// The largest page count of the kernel: PAGE_COUNTER_MAX is LONG_MAX pages' worth of bytes, and reads back as `max`.
fn most_pages(page_size: u64) -> u64 {
    i64::MAX as u64 / page_size.max(1)
}

/// Bytes: rounded down to whole pages; so many that no counter holds them is `max`.
fn amount_holds(asked: &str, read: &str, page_size: u64) -> bool {
    if asked == read {
        return true;
    }
    let page_size = page_size.max(1);
    let Some(pages) = bytes(asked).map(|bytes| bytes / page_size) else {
        return keyed_line_holds(asked, read);
    };
    match read {
        "max" => pages >= most_pages(page_size),
        _ => read.parse::<u64>().is_ok_and(|read| read.is_multiple_of(page_size) && read / page_size == pages),
    }
}

/// Bytes as memparse() of the kernel reads them: digits and one suffix, powers of 1024.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        "t" | "T" => 40,
        "p" | "P" => 50,
        "e" | "E" => 60,
        _ => return None,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = plain.then(|| digits.parse().ok()).flatten()?;
    number.checked_mul(1 << shift)
}

/// One disk's line among the lines of several. The kernel leaves out a disk whose rates are all `max`.
fn io_line_holds(asked: &str, read: &str) -> bool {
    let Some((device, asked)) = split_device(asked) else { return asked == read };
    let line = read.lines().find_map(|line| split_device(line).filter(|(known, _)| *known == device));
    let Some(asked) = rates(asked) else { return false };
    let Some(read) = rates(line.map_or("", |(_, rates)| rates)) else { return false };
    asked.iter().zip(read).all(|(asked, read)| asked.is_none_or(|asked| asked == read.unwrap_or(u64::MAX)))
}

/// `MAJ:MIN` and the rest.
fn split_device(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (device, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    device.contains(':').then_some((device, rest))
}

/// The four rates that a line names; `None` when it is no such line. Operations are 32 bits wide in the kernel: more
/// is `max`.
fn rates(text: &str) -> Option<[Option<u64>; 4]> {
    let mut rates = [None; 4];
    for word in text.split_whitespace() {
        let (key, value) = word.split_once('=')?;
        let index = KEYS.iter().position(|known| *known == key)?;
        let value = if value == "max" { u64::MAX } else { value.parse().ok()? };
        let wide = key.ends_with("bps") || value < u64::from(u32::MAX);
        rates[index] = Some(if wide { value } else { u64::MAX });
    }
    Some(rates)
}

/// `N` or `default N` is the line `default N`; `MAJ:MIN N` is that line.
fn weight_holds(asked: &str, read: &str) -> bool {
    let words: Vec<&str> = asked.split_whitespace().collect();
    let wanted = match words[..] {
        [weight] => format!("default {weight}"),
        _ => words.join(" "),
    };
    asked == read || read.lines().any(|line| line.split_whitespace().eq(wanted.split_whitespace()))
}

/// The same set, however it is written.
fn cpus_hold(asked: &str, read: &str) -> bool {
    match (CpuList::parse(asked), CpuList::parse(read)) {
        (Some(asked), Some(read)) => asked == read,
        _ => asked == read,
    }
}

/// `cpu.max` takes the quota alone and keeps its period.
fn first_words_hold(asked: &str, read: &str) -> bool {
    let mut read = read.split_whitespace();
    !asked.is_empty() && asked.split_whitespace().all(|word| read.next() == Some(word))
}

/// Files with a line for each device (`io.latency`, `rdma.max`, `misc.max`): one of the lines is the one written.
fn keyed_line_holds(asked: &str, read: &str) -> bool {
    asked.contains(' ') && read.lines().any(|line| line.split_whitespace().eq(asked.split_whitespace()))
}

#[cfg(test)]
mod tests;
