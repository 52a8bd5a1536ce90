//! Times: `5` and `1.5` are seconds, `300ms`, `2min30s`, `1h30m`, `00:10:00`.

use super::number::{scaled, split, whole};
use crate::spec::SpecError;
use std::fmt;
use std::time::Duration;

const FORMS: &str = "write seconds, as 5 or 1.5; or with units, as 300ms, 2min30s or 1h30m; or hh:mm:ss";

/// A hundred years: past any job, and far from the overflow of any clock.
const MOST_NANOS: u128 = 36_500 * 86_400 * NANOS as u128;
const NANOS: u64 = 1_000_000_000;

/// The units by name, in nanoseconds. The first name of a unit is the one that is printed; the largest come first.
const UNITS: [(&[&str], u64); 7] = [
    (&["d", "day", "days"], 86_400 * NANOS),
    (&["h", "hr", "hour", "hours"], 3600 * NANOS),
    (&["min", "m", "minute", "minutes"], 60 * NANOS),
    (&["s", "sec", "second", "seconds"], NANOS),
    (&["ms", "msec"], 1_000_000),
    (&["us", "usec", "µs"], 1000),
    (&["ns", "nsec"], 1),
];

/// A time, to the nanosecond.
///
/// # Errors
/// When it is no time, with the accepted forms.
pub fn duration(field: &str, text: &str) -> Result<Duration, SpecError> {
    let nanos = if text.contains(':') { clock(text) } else { span(text) };
    let nanos =
        nanos.and_then(|nanos| if nanos > MOST_NANOS { Err("longer than a hundred years".into()) } else { Ok(nanos) });
    match nanos.map(|nanos| (u64::try_from(nanos / u128::from(NANOS)), (nanos % u128::from(NANOS)) as u32)) {
        Ok((Ok(seconds), rest)) => Ok(Duration::new(seconds, rest)),
        Ok((Err(_), _)) => Err(SpecError::new(field, text, "too large", FORMS)),
        Err(problem) => Err(SpecError::new(field, text, problem, FORMS)),
    }
}

/// `hh:mm:ss`, the seconds with a fraction if need be.
fn clock(text: &str) -> Result<u128, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else {
        return Err("not hh:mm:ss".to_owned());
    };
    let number = |text: &str| whole(text).map_err(|problem| problem.text().to_owned());
    let (hours, minutes, seconds) = (number(hours)?, number(minutes)?, nanos(seconds, NANOS)?);
    if minutes > 59 || seconds >= 60 * u128::from(NANOS) {
        return Err("minutes and seconds end at 59".to_owned());
    }
    Ok((u128::from(hours) * 60 + u128::from(minutes)) * 60 * u128::from(NANOS) + seconds)
}

/// A bare number of seconds, or numbers with units one after the other.
fn span(text: &str) -> Result<u128, String> {
    if let (number, "") = split(text) {
        return nanos(number, NANOS);
    }
    let (mut rest, mut sum) = (text.trim(), 0u128);
    while !rest.is_empty() {
        let (number, behind) = split(rest);
        let end = behind.find(|c: char| c.is_ascii_digit() || c == '.' || c == ' ').unwrap_or(behind.len());
        let (unit, after) = behind.split_at(end);
        if number.is_empty() {
            return Err("not a time".to_owned());
        }
        if unit.is_empty() {
            return Err(format!("{number} has no unit"));
        }
        let Some((_, scale)) = UNITS.iter().find(|(names, _)| names.contains(&unit)) else {
            return Err(format!("unknown unit {unit}"));
        };
        sum = sum.checked_add(nanos(number, *scale)?).ok_or("too large")?;
        rest = after.trim_start();
    }
    Ok(sum)
}

/// `number` times `scale` nanoseconds; nothing finer is silently dropped.
fn nanos(number: &str, scale: u64) -> Result<u128, String> {
    let product = scaled(number, scale).map_err(|problem| problem.text().to_owned())?;
    if product.exact { Ok(product.whole) } else { Err("finer than a nanosecond".to_owned()) }
}

/// A time printed exactly, as `1h30min` or `1s500ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_nanos();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (names, scale) in UNITS {
            let count = rest / u128::from(scale);
            rest %= u128::from(scale);
            if count > 0 {
                write!(f, "{count}{}", names[0])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_accepted_form_means_what_it_says() {
        for (text, millis) in [
            ("5", 5000),
            ("0", 0),
            ("1.5", 1500),
            (".1", 100),
            ("300ms", 300),
            ("2min30s", 150_000),
            ("2min 30s", 150_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("1d", 86_400_000),
            ("00:10:00", 600_000),
            ("1:00:00.5", 3_600_500),
            ("100:00:00", 360_000_000),
            ("1500us", 1),
        ] {
            let expected = if text == "1500us" { Duration::from_micros(1500) } else { Duration::from_millis(millis) };
            assert_eq!(duration("--time", text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_time_without_meaning_is_refused_with_the_forms() {
        for (text, problem) in [
            ("", "not a number"),
            ("s", "not a time"),
            ("5x", "unknown unit x"),
            ("1h30", "30 has no unit"),
            ("-5", "not a time"),
            ("10:00", "not hh:mm:ss"),
            ("00:60:00", "minutes and seconds end at 59"),
            ("00:00:60", "minutes and seconds end at 59"),
            ("0.1ns", "finer than a nanosecond"),
            ("36501d", "longer than a hundred years"),
            ("18446744073709551615d", "longer than a hundred years"),
            ("18446744073709551615:00:00", "longer than a hundred years"),
        ] {
            let error = duration("--time", text).expect_err(text);
            assert_eq!(error.problem, problem, "{text}");
            assert!(error.expected.contains("2min30s"), "{text}");
        }
    }

    #[test]
    fn a_time_is_printed_in_the_units_that_people_use() {
        for (millis, text) in [(0, "0s"), (1500, "1s500ms"), (5_400_000, "1h30min"), (90_000_000, "1d1h")] {
            assert_eq!(Span(Duration::from_millis(millis)).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(seconds in 0u64..36_500 * 86_400, nanos in 0u32..1_000_000_000) {
            let time = Duration::new(seconds, nanos);
            prop_assert_eq!(duration("x", &Span(time).to_string()), Ok(time));
        }

        #[test]
        fn no_text_panics(text in ".*|[0-9.:hms ]*") {
            let _ = duration("x", &text);
        }
    }
}
