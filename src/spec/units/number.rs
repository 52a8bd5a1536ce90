//! Decimal numbers without floating point: `1.5` times a scale, exactly.

/// Why a text is no number that we can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is not digits with at most one point among them.
    NotANumber,
    /// It is past what we compute with.
    TooLarge,
}

impl Problem {
    /// What is wrong, for people.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::NotANumber => "not a number",
            Self::TooLarge => "too large",
        }
    }
}

/// A number times a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scaled {
    /// The whole part of the product.
    pub(super) whole: u128,
    /// Whether there was nothing behind the point.
    pub(super) exact: bool,
}

/// Digits behind the point that count: with the largest scale (2^60) the product still fits 128 bits.
const FRACTION_DIGITS: usize = 18;

/// The number in front and the unit behind it.
pub(super) fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.split_at(end)
}

/// `text` times `scale`; `1`, `1.5` and `.5` are numbers, `1.`, `-1`, `1e3` and the empty text are not.
pub(super) fn scaled(text: &str, scale: u64) -> Result<Scaled, Problem> {
    let (int, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(Problem::NotANumber),
        Some((int, fraction)) => (if int.is_empty() { "0" } else { int }, fraction.trim_end_matches('0')),
        None => (text, ""),
    };
    let int = u128::from(whole(int)?) * u128::from(scale);
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::NotANumber);
    }
    let counted = &fraction[..fraction.len().min(FRACTION_DIGITS)];
    let parts = if counted.is_empty() { 0 } else { u128::from(whole(counted)?) } * u128::from(scale);
    let ten = 10u128.pow(u32::try_from(counted.len()).map_err(|_| Problem::TooLarge)?);
    let whole = int.checked_add(parts / ten).ok_or(Problem::TooLarge)?;
    Ok(Scaled { whole, exact: parts % ten == 0 && counted.len() == fraction.len() })
}

/// A whole number of ASCII digits; leading zeros are fine.
pub(super) fn whole(text: &str) -> Result<u64, Problem> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::NotANumber);
    }
    text.parse().map_err(|_| Problem::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tenth_is_a_tenth() {
        assert_eq!(scaled("0.1", 1000), Ok(Scaled { whole: 100, exact: true }));
        assert_eq!(scaled(".5", 3), Ok(Scaled { whole: 1, exact: false }));
        assert_eq!(scaled("1.50000000000000000000000", 2), Ok(Scaled { whole: 3, exact: true }));
        assert_eq!(scaled("1.0000000000000000001", 1), Ok(Scaled { whole: 1, exact: false }));
    }

    #[test]
    fn what_is_no_number_is_said_to_be_none() {
        for text in ["", ".", "1.", "-1", "+1", "1e3", "1_000", "0x10", "1.2.3", "١", " 1"] {
            assert_eq!(scaled(text, 1), Err(Problem::NotANumber), "{text:?}");
        }
        assert_eq!(scaled("18446744073709551616", 1), Err(Problem::TooLarge));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*", scale: u64) {
            let (number, _) = split(&text);
            let _ = scaled(number, scale);
            let _ = scaled(&text, scale);
        }

        #[test]
        fn thousandths_are_exact(value in 0u64..=u64::MAX / 1000) {
            let text = format!("{}.{:03}", value / 1000, value % 1000);
            prop_assert_eq!(scaled(&text, 1000), Ok(Scaled { whole: value.into(), exact: true }));
        }
    }
}
