//! What the kernel reads back for what was written.

use super::*;
use crate::plan::Origin;
use proptest::prelude::*;

fn setting(file: &str, value: &str) -> Setting {
    Setting { file: file.into(), value: value.into(), field: "--x".into(), origin: Origin::Asked }
}

fn holds(file: &str, value: &str, read: &str) -> bool {
    setting(file, value).holds(read, 4096)
}

#[test]
fn the_kernels_own_forms_hold() {
    for (file, value, read) in [
        ("memory.max", "67108864", "67108864\n"),
        ("memory.max", "67108865", "67108864\n"),
        ("memory.max", "max", "max\n"),
        ("memory.max", "18446744073709551615", "max\n"),
        ("memory.low", "64M", "67108864\n"),
        ("memory.oom.group", "1", "1\n"),
        ("hugetlb.2MB.max", "4M", "4194304\n"),
        ("pids.max", "max", "max\n"),
        ("cpu.max", "50000 100000", "50000 100000\n"),
        ("cpu.max", "50000", "50000 100000\n"),
        ("cpu.max", "max 100000", "max 100000\n"),
        ("cpuset.cpus", "3,1-2", "1-3\n"),
        ("io.max", "254:0 rbps=1000", "254:0 rbps=1000 wbps=max riops=max wiops=max\n"),
        ("io.max", "254:0 wiops=4294967295", "\n"),
        ("io.max", "7:0 rbps=max", "254:0 rbps=1 wbps=max riops=max wiops=max\n"),
        (
            "io.max",
            "7:0 wbps=5",
            "254:0 rbps=1 wbps=max riops=max wiops=max\n7:0 rbps=max wbps=5 riops=max wiops=max\n",
        ),
        ("io.weight", "200", "default 200\n8:0 5\n"),
        ("io.weight", "8:0 5", "default 200\n8:0 5\n"),
        ("io.latency", "8:0 target=100", "8:0 target=100\n8:16 target=5\n"),
    ] {
        assert!(holds(file, value, read), "{file}: {value} / {read}");
    }
}

#[test]
fn what_is_not_in_force_is_found_out() {
    for (file, value, read) in [
        ("memory.max", "67108864", "max\n"),
        ("memory.max", "67108864", "67104768\n"),
        ("memory.max", "67108864", "67108865\n"),
        ("memory.max", "max", "67108864\n"),
        ("memory.max", "64M", ""),
        ("memory.oom.group", "1", "0\n"),
        ("memory.swap.max", "0", "max\n"),
        ("pids.max", "7", "70\n"),
        ("cpu.max", "50000 100000", "50000 50000\n"),
        ("cpu.max", "", "max 100000\n"),
        ("cpuset.cpus", "1", "\n"),
        ("io.max", "254:0 rbps=1000", ""),
        ("io.max", "254:0 rbps=1000", "254:16 rbps=1000 wbps=max riops=max wiops=max\n"),
        ("io.max", "254:0 rbps=1000 wbps=5", "254:0 rbps=1000 wbps=max riops=max wiops=max\n"),
        ("io.weight", "200", "default 100\n"),
        ("io.weight", "200", "8:0 200\n"),
    ] {
        assert!(!holds(file, value, read), "{file}: {value} / {read}");
    }
}

/// A rate as an `io.max` line has it.
fn rate() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        Just(None),
        Just(Some(u64::MAX)),
        (1..u64::MAX).prop_map(Some),
        (1..=u64::from(u32::MAX)).prop_map(Some)
    ]
}

/// What the kernel would print for one disk.
fn printed(device: &str, rates: [Option<u64>; 4]) -> String {
    let word = |(rate, key): (Option<u64>, &str)| {
        let most = if key.ends_with("iops") { u64::from(u32::MAX) } else { u64::MAX };
        match rate {
            Some(rate) if rate < most => format!(" {key}={rate}"),
            _ => format!(" {key}=max"),
        }
    };
    let words: String = rates.into_iter().zip(KEYS).map(word).collect();
    if words.matches("=max").count() == 4 { String::new() } else { format!("{device}{words}\n") }
}

proptest! {
    #[test]
    fn any_amount_rounded_to_pages_holds_and_any_other_does_not(
        bytes in any::<u64>(), shift in 12u32..=16, off in 1u64..1_000_000,
    ) {
        let page = 1u64 << shift;
        let kept = bytes / page * page;
        let most = i64::MAX as u64 / page;
        let read = if bytes / page >= most { "max".to_owned() } else { kept.to_string() };
        let setting = setting("memory.max", &bytes.to_string());
        prop_assert!(setting.holds(&read, page));
        prop_assert!(!setting.holds(&kept.wrapping_add(off * page).to_string(), page));
        prop_assert!(!setting.holds(&(kept / 2 + 1).to_string(), page) || kept / 2 + 1 == kept);
    }

    #[test]
    fn any_io_line_holds_among_others(rates in proptest::array::uniform4(rate()), other in proptest::array::uniform4(rate())) {
        let words = rates.into_iter().zip(KEYS).filter_map(|(rate, key)| match rate? {
            u64::MAX => Some(format!(" {key}=max")),
            rate => Some(format!(" {key}={rate}")),
        });
        let value: String = std::iter::once("254:0".to_owned()).chain(words).collect();
        let read = format!("{}{}", printed("254:16", other), printed("254:0", rates));
        prop_assert!(holds("io.max", &value, &read), "{value} / {read}");
    }

    #[test]
    fn an_io_rate_that_differs_is_found_out(asked in 1..u64::MAX - 1, other in 1..u64::MAX) {
        prop_assume!(asked != other);
        let rates = [Some(other), None, None, None];
        let value = format!("254:0 rbps={asked}");
        prop_assert!(!holds("io.max", &value, &printed("254:0", rates)));
    }

    #[test]
    fn any_set_of_processors_holds_however_it_is_written(cpus in proptest::collection::btree_set(0u32..200, 1..30)) {
        let list: CpuList = cpus.iter().copied().collect();
        let plain: Vec<String> = cpus.iter().rev().map(u32::to_string).collect();
        let read = format!("{list}\n");
        prop_assert!(holds("cpuset.cpus", &plain.join(","), &read));
    }

    #[test]
    fn hostile_text_is_compared_without_harm(
        file in "(memory.max|io.max|io.weight|cpu.max|cpuset.cpus|pids.max|x.y)",
        value in "([0-9]{1,22}[KMGTPE]?|max|[0-9]:[0-9] rbps=[0-9]{1,22}|.{0,20})",
        read in "(max|default|[0-9:, =-]|rbps=|\n|.){0,30}",
        page in any::<u64>(),
    ) {
        let _ = setting(&file, &value).holds(&read, page);
    }
}
