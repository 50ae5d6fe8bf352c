//! Numbers as text.

/// With thousands separators.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut apart = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

pub(crate) fn usd(value: f64) -> String {
    format!("${}", whole(value))
}

/// With the share of a total.
pub(crate) fn usd_share(value: f64, total: f64) -> String {
    format!("{} ({:.0} %)", usd(value), value / total * 100.0)
}

pub(crate) fn usd2(value: f64) -> String {
    format!("${value:.2}")
}

pub(crate) fn cents(value: f64) -> String {
    format!("{:.1} cents", value * 100.0)
}

pub(crate) fn millions(value: f64) -> String {
    format!("{:.1} million", value / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_separators() {
        assert_eq!(whole(0.4), "0");
        assert_eq!(whole(999.0), "999");
        assert_eq!(whole(1000.0), "1,000");
        assert_eq!(usd(1_234_567.8), "$1,234,568");
    }
}
