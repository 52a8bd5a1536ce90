//! A moment as RFC 3339 in UTC: `2026-02-28T23:59:59.123Z`.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;

/// A moment, to the millisecond; before 1970 there was no job.
pub fn rfc3339(moment: SystemTime) -> String {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / DAY, since.as_secs() % DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second, millis) = (second / 3600, second / 60 % 60, second % 60, since.subsec_millis());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a number of days since 1970-01-01: counted from March, so that the leap day comes last.
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day) = (days / 146_097, days % 146_097); // 400 years
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn moments_are_told_as_the_calendar_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.500Z"),
            (951_782_399, "2000-02-28T23:59:59.500Z"),
            (951_782_400, "2000-02-29T00:00:00.500Z"),
            (951_868_800, "2000-03-01T00:00:00.500Z"),
            (1_767_225_599, "2025-12-31T23:59:59.500Z"),
            (1_772_323_199, "2026-02-28T23:59:59.500Z"),
            (4_107_542_400, "2100-03-01T00:00:00.500Z"),
        ] {
            let moment = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(500);
            assert_eq!(rfc3339(moment), text);
        }
    }

    #[test]
    fn every_day_of_two_eras_follows_the_one_before() {
        let mut before = date(0);
        for days in 1..2 * 146_097 {
            let now = date(days);
            let next_day = now.2 == before.2 + 1 && (now.0, now.1) == (before.0, before.1);
            let next_month = now.2 == 1 && before.2 >= 28 && (now.0 * 12 + now.1) == (before.0 * 12 + before.1 + 1);
            assert!(next_day || next_month, "{before:?} is followed by {now:?}");
            before = now;
        }
        // Two eras of 400 years and no day lost.
        assert_eq!(date(2 * 146_097), (2770, 1, 1));
    }
}
