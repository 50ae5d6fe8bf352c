//! Splits bytes into the texts that a property needs.

/// A separator that no text contains, so that the fuzzer can insert it at no cost.
const BETWEEN: u8 = 0xff;

/// This number of texts, the last of which has the rest. Missing ones are empty.
pub(crate) fn texts<const N: usize>(data: &[u8]) -> [String; N] {
    let mut parts = data.splitn(N, |byte| *byte == BETWEEN);
    std::array::from_fn(|_| String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned())
}
