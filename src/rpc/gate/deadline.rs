//! How long the caller waits, as he says it: `grpc-timeout`, at most eight digits and a unit
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

use std::time::Duration;
use tonic::codegen::http::HeaderMap;

/// The digits that it can have.
const DIGITS_MOST: usize = 8;

/// The time that a caller gives; none when he says nothing, or nothing that has a meaning.
pub fn said(headers: &HeaderMap) -> Option<Duration> {
    let said = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = said.split_at_checked(said.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > DIGITS_MOST || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_each_unit_and_what_is_none_is_no_time() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().expect("a header"));
            said(&headers)
        };
        for (text, nanos) in
            [("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("3S", 3_000_000_000), ("4m", 4_000_000)]
        {
            assert_eq!(read(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        assert_eq!((read("5u"), read("6n")), (Some(Duration::from_micros(5)), Some(Duration::from_nanos(6))));
        assert_eq!(read("99999999H").expect("the longest").as_secs(), 99_999_999 * 3600);
        for none in ["", "S", "1", "1s", "-1S", "+1S", "1 S", "123456789S", "1\u{e9}"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
