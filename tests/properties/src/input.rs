//! Bytes as the texts that a property needs.

/// What no text has, and the fuzzer therefore sets between texts at no cost.
const BETWEEN: u8 = 0xff;

/// That many texts, the last of which takes all that is left. Those that are missing are empty.
pub(crate) fn texts<const N: usize>(data: &[u8]) -> [String; N] {
    let mut parts = data.splitn(N, |byte| *byte == BETWEEN);
    std::array::from_fn(|_| String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned())
}
